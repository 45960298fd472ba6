"""
Long searches for broken promises: many flows, what everybody was told, and a checker.

`history` is what clients write down, `checker` compares it with the journal, by the rules of
`stored_rules`, `round_rules` and `timed_rules`. Each campaign can be run by hand; CI runs a
short one of each.
"""

from __future__ import annotations

import sys
from pathlib import Path

# `python -m tests.campaigns` finds the tests' helpers as pytest does.
_TESTS = str(Path(__file__).resolve().parent.parent)
if _TESTS not in sys.path:
    sys.path.insert(0, _TESTS)
