"""Where a store's files lie and how they are named. Pure."""

from __future__ import annotations

import re
from typing import Final

STORE: Final = "store.json"
LOCK: Final = "lock"
JOURNAL: Final = "journal"
SNAPSHOTS: Final = "snapshots"
_SEGMENT = re.compile(r"[0-9]{20}\.jsonl", re.ASCII)


def segment_name(first: int) -> str:
    """Name the segment whose first record has, or will have, this position."""
    return f"{first:020}.jsonl"


def is_segment_name(name: str) -> bool:
    """Whether a file in journal/ is a segment, by its name."""
    return _SEGMENT.fullmatch(name) is not None


def is_ignored(name: str) -> bool:
    """Whether a file in journal/ is none of the journal's: left-over and kept-aside ones."""
    return name.startswith(".")


def log_name(number: int) -> str:
    """Name the snapshot log of this number."""
    return f"{number:020}.jsonl"
