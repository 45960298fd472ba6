"""Programs of the machine that some tests need."""

from __future__ import annotations

import os
import shutil

import pytest


def require_tool(name: str) -> str:
    """
    Find a program, or skip the test that needs it; with `CI` set, fail it instead.

    Returns:
      The program's path.
    """
    path = shutil.which(name)
    if path is not None:
        return path
    missing = f"{name} is not installed (Debian: apt-get install {name})"
    if os.environ.get("CI"):
        pytest.fail(f"{missing}; where CI is set, nothing is skipped")
    pytest.skip(missing)
