"""Long searches for broken promises; each can be run by hand, and CI runs a short one of each."""

from __future__ import annotations

import sys
from pathlib import Path

# `python -m tests.campaigns` finds the tests' helpers as pytest does.
_TESTS = str(Path(__file__).resolve().parent.parent)
if _TESTS not in sys.path:
    sys.path.insert(0, _TESTS)
