"""Where a store's files lie and how they are named. Pure."""

from __future__ import annotations

import re
from typing import Final

STORE: Final = "store.json"
LOCK: Final = "lock"
JOURNAL: Final = "journal"
INDEX: Final = "index"
SNAPSHOTS: Final = "snapshots"
_TORN: Final = ".torn-"
_SEGMENT = re.compile(r"[0-9]{20}\.jsonl", re.ASCII)
_INDEX = re.compile(r"[0-9]{20}(-[0-9]{20})?\.idx", re.ASCII)


def segment_name(first: int) -> str:
    """Name the segment whose first record has, or will have, this position."""
    return f"{first:020}.jsonl"


def index_name(segment_first: int, first: int | None = None) -> str:
    """
    Name an index file.

    Args:
      segment_first: the first position of its segment.
      first: the first position that it covers, if it is a piece's; None for the whole segment.
    """
    return f"{segment_first:020}.idx" if first is None else f"{segment_first:020}-{first:020}.idx"


def is_segment_name(name: str) -> bool:
    """Whether a file in journal/ is a segment, by its name."""
    return _SEGMENT.fullmatch(name) is not None


def is_ignored(name: str) -> bool:
    """Whether a file in journal/ is none of the journal's: left-over and kept-aside ones."""
    return name.startswith(".")


def torn_name(segment: str, offset: int) -> str:
    """Name the file that keeps what was cut off a segment at an offset."""
    return f"{_TORN}{segment}-{offset}"


def is_torn_name(name: str) -> bool:
    """Whether a file in journal/ keeps what was cut off, by its name."""
    return name.startswith(_TORN)


def is_index_name(name: str) -> bool:
    """Whether a file in index/ is an index file, by its name."""
    return _INDEX.fullmatch(name) is not None


def is_piece_of(segment_first: int, name: str) -> bool:
    """Whether an index file is one of a piece of this segment, by its name."""
    return is_index_name(name) and name.startswith(f"{segment_first:020}-")


def log_name(number: int) -> str:
    """Name the snapshot log of this number."""
    return f"{number:020}.jsonl"
