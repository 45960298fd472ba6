"""Programs of the machine that some tests need."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def require_tool(name: str) -> str:
    """
    Find a program, or skip the test that needs it; with `CI` set, fail it instead.

    Returns:
      The program's path.
    """
    path = shutil.which(name)
    return path if path is not None else _miss(name, name)


def require_file(path: Path, package: str) -> None:
    """Skip the test if a file that comes with a package is not there; with `CI` set, fail it."""
    if not path.exists():
        _miss(str(path), package)


def _miss(name: str, package: str) -> NoReturn:
    missing = f"{name} is not installed (Debian: apt-get install {package})"
    if os.environ.get("CI"):
        pytest.fail(f"{missing}; where CI is set, nothing is skipped")
    pytest.skip(missing)
