"""Is there room for what a store will write?"""

from __future__ import annotations

from typing import Final

from ..facts import Facts
from ..findings import Finding, Severity

MEBIBYTE: Final = 1024**2
GIBIBYTE: Final = 1024**3

FULL_BYTES: Final = 128 * MEBIBYTE
"""A segment (64 MiB) and the largest decision (64 MiB)."""
LOW_BYTES: Final = GIBIBYTE
LOW_SHARE: Final = 0.05
AMPLE_BYTES: Final = 20 * GIBIBYTE
"""With so much left, the share does not matter."""
FULL_INODES: Final = 100
LOW_INODES: Final = 10_000

_MEANING: Final = (
    "When nothing is left, the next commit fails, and the store with it. Nothing that was "
    "acknowledged is lost, and it can be read."
)


def check_room(facts: Facts) -> Finding:
    """Judge how many bytes are left."""
    room = facts.room
    if room is None:
        return Finding("room", Severity.NOTE, "how much is left could not be told")
    free, total = room.free_bytes, room.total_bytes
    found = f"{_size(free)} of {_size(total)} are left"
    advice = "Make room. Of a store, only index/ and snapshots/ may be deleted, while it is closed."
    if free < FULL_BYTES:
        return Finding("room", Severity.PROBLEM, found, _MEANING, advice)
    if free < LOW_BYTES or (free < LOW_SHARE * total and free < AMPLE_BYTES):
        return Finding("room", Severity.WARNING, found, _MEANING, advice)
    return Finding("room", Severity.OK, found)


def check_inodes(facts: Facts) -> Finding:
    """Judge how many files can still be made."""
    room = facts.room
    if room is None or not room.total_inodes:
        return Finding("inodes", Severity.OK, "made as they are needed")
    found = f"{room.free_inodes:,} of {room.total_inodes:,} are left"
    advice = "Find the directory with the many small files, and delete what nobody needs."
    if room.free_inodes < FULL_INODES:
        return Finding("inodes", Severity.PROBLEM, found, _MEANING, advice)
    if room.free_inodes < min(LOW_INODES, LOW_SHARE * room.total_inodes):
        return Finding("inodes", Severity.WARNING, found, _MEANING, advice)
    return Finding("inodes", Severity.OK, found)


def _size(count: int) -> str:
    for unit, name in ((1024**4, "TiB"), (GIBIBYTE, "GiB"), (MEBIBYTE, "MiB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count:,} bytes"
