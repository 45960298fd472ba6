"""A validator that is named on the command line: `module:function`."""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ..errors import shown
from .ending import CannotRun

_NAME: Final = re.compile(r"(?P<module>\w+(?:\.\w+)*):(?P<function>\w+(?:\.\w+)*)")


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
    match = _NAME.fullmatch(name)
    if match is None:
        raise CannotRun(f"--validator: expected module:function, found {shown(name)}")
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    found: Any = _imported(match["module"])
    for part in match["function"].split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise CannotRun(
                f"--validator: expected {match['function']} in {match['module']}, found no {part}"
            ) from None
    if not callable(found):
        raise CannotRun(f"--validator {name}: expected a function, found {shown(found)}")
    function: Callable[[Any], Any] = found
    return function


def _imported(module: str) -> object:
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise CannotRun(
                f"--validator: expected a module {module}, found no {error.name} in this "
                "directory, nor among what is installed"
            ) from None
        raise CannotRun(_failure(module, error)) from error
    except (Exception, SystemExit) as error:
        raise CannotRun(_failure(module, error)) from error


def _failure(module: str, error: BaseException) -> str:
    """What went wrong in a module, in one line, with the place."""
    (what,) = traceback.format_exception_only(type(error), error)[-1:]
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.filename}, line {place.lineno}"
    if isinstance(error, SyntaxError):
        where = f"{error.filename}, line {error.lineno}"
    return f"--validator: importing {module} failed: {what.strip()} ({where})"
