"""Does the system allow this process as much as a store needs?"""

from __future__ import annotations

from typing import Final

from ..facts import Facts
from ..findings import Finding, Severity
from .room import MEBIBYTE

FILE_BYTES_MIN: Final = 128 * MEBIBYTE
"""A segment (64 MiB), and the largest decision (64 MiB), which may lie behind it."""
OPEN_FILES_MIN: Final = 128
"""What a gateway keeps back for its store."""
OPEN_FILES_FEW: Final = 1_024


def check_file_size(facts: Facts) -> Finding:
    """Judge how large a file may become (RLIMIT_FSIZE)."""
    allowed = facts.limits.file_bytes_max
    if allowed is None:
        return Finding("file size", Severity.OK, "not limited")
    found = f"files may have {allowed:,} bytes"
    if allowed >= FILE_BYTES_MIN:
        return Finding("file size", Severity.OK, found)
    return Finding(
        "file size", Severity.PROBLEM, found,
        f"A segment may become as large as {FILE_BYTES_MIN:,} bytes: a commit fails, and the "
        "store with it.",
        "Take the limit away: `ulimit -f unlimited`, or LimitFSIZE in the service's unit.",
    )  # fmt: skip


def check_open_files(facts: Facts) -> Finding:
    """Judge how many files may be open (RLIMIT_NOFILE)."""
    allowed = facts.limits.open_files_max
    if allowed is None:
        return Finding("open files", Severity.OK, "not limited")
    found = f"{allowed:,} files may be open"
    advice = "Raise the limit: `ulimit -n`, or LimitNOFILE in the service's unit."
    if allowed < OPEN_FILES_MIN:
        return Finding(
            "open files", Severity.PROBLEM, found,
            f"A store and its readers may need {OPEN_FILES_MIN}.", advice,
        )  # fmt: skip
    if allowed <= OPEN_FILES_FEW:
        return Finding(
            "open files", Severity.NOTE, found,
            f"A gateway takes {allowed - OPEN_FILES_MIN:,} connections at most: each is an open "
            f"file, and {OPEN_FILES_MIN} are the store's.",
            advice,
        )  # fmt: skip
    return Finding("open files", Severity.OK, found)
