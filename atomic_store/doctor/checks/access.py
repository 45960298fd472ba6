"""May this process write there, and may others read?"""

from __future__ import annotations

from typing import Final

from ..facts import Facts, PlaceKind
from ..findings import Finding, Severity

_SHOWN_MAX: Final = 3


def check_writing(facts: Facts) -> Finding:
    """Judge what may be written to, and what became of the temporary file."""
    place, error = facts.place, facts.probe.error
    if place.unwritable:
        paths = ", ".join(place.unwritable[:_SHOWN_MAX])
        more = len(place.unwritable) - _SHOWN_MAX
        found = f"{paths}{f' and {more} more' if more > 0 else ''} may not be written to"
        what = "opened" if place.kind is PlaceKind.STORE else "made here"
        is_read_only = facts.mount is not None and "ro" in facts.mount.options
        return Finding(
            "writing", Severity.PROBLEM, found, f"By this user, a store cannot be {what}.",
            "The file system is mounted read-only: mount it for writing." if is_read_only else
            "Give the whole directory to the user that writes: once run by another one, "
            "perhaps by root, a store holds files of that one.",
        )  # fmt: skip
    if error is not None:
        return Finding(
            "writing", Severity.PROBLEM, f"a temporary file in {facts.probe.directory}: {error}",
            "Whatever refuses that refuses a store, too.", "See to what the message names.",
        )  # fmt: skip
    return Finding("writing", Severity.OK, f"{place.directory} may be written to")


def check_privacy(facts: Facts) -> Finding:
    """Judge who else may look into a store."""
    if facts.place.kind is not PlaceKind.STORE:
        return Finding("privacy", Severity.OK, "a store that is made is its owner's alone")
    if facts.place.others_may_read:
        return Finding(
            "privacy", Severity.NOTE, "users other than the owner may look into the store",
            "They may read events, if the files let them. A store makes its directories with "
            "mode 700, so somebody has changed that.",
            f"chmod 700 {facts.place.path}",
        )  # fmt: skip
    return Finding("privacy", Severity.OK, "the store is its owner's alone")
