"""A validator that is named on the command line: `module:function`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import shown
from .ending import CannotRun
from .named import load_named


def load_validator(name: str, directory: Path) -> Callable[[Any], Any]:
    """
    Import a validator.

    What the module prints goes to stderr.

    Args:
      name: `module:function`, each perhaps with dots.
      directory: where modules are looked for first.

    Raises:
      CannotRun: there is none.
    """
    found = load_named("--validator", name, directory, kind="function")
    if not callable(found):
        raise CannotRun(f"--validator {name}: expected a function, found {shown(found)}")
    function: Callable[[Any], Any] = found
    return function
