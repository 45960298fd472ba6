"""Something that is named on the command line as `module:name`."""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import traceback
from pathlib import Path
from typing import Any, Final

from ..errors import shown
from .ending import CannotRun

_NAME: Final = re.compile(r"(?P<module>\w+(?:\.\w+)*):(?P<name>\w+(?:\.\w+)*)")


def load_named(option: str, name: str, directory: Path, *, kind: str = "name") -> Any:
    """
    Import a module and give what it calls so.

    What the module prints goes to stderr.

    Args:
      option: who asks, for messages: ``--validator``.
      name: `module:name`, each perhaps with dots.
      directory: where modules are looked for first.
      kind: what is named, for messages.

    Raises:
      CannotRun: there is no such thing.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise CannotRun(f"{option}: expected module:{kind}, found {shown(name)}")
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    found: Any = _imported(option, match["module"])
    for part in match["name"].split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise CannotRun(
                f"{option}: expected {match['name']} in {match['module']}, found no {part}"
            ) from None
    return found


def _imported(option: str, module: str) -> object:
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise CannotRun(
                f"{option}: expected a module {module}, found no {error.name} in this "
                "directory, nor among what is installed"
            ) from None
        raise CannotRun(f"{option}: importing {module} failed: {failure(error)}") from error
    except (Exception, SystemExit) as error:
        raise CannotRun(f"{option}: importing {module} failed: {failure(error)}") from error


def failure(error: BaseException) -> str:
    """Say in one line what went wrong in somebody's code, and where."""
    try:
        (what,) = traceback.format_exception_only(type(error), error)[-1:]
    except Exception:
        # It fails to say what failed.
        what = type(error).__name__
    what = " ".join(what.split())
    if isinstance(error, SyntaxError):
        return f"{what} ({error.filename}, line {error.lineno})"
    places = traceback.extract_tb(error.__traceback__)
    return f"{what} ({places[-1].filename}, line {places[-1].lineno})" if places else what
