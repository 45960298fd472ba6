"""What may become of each kind of call, as data."""

from __future__ import annotations

import errno

import attrs

from .shim import Action, Call

FAILS = [(Action.FAIL, error) for error in (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EFBIG)]
KILLS = [(Action.KILL_BEFORE, 0), (Action.KILL_AFTER, 0)]
STRIKES: dict[Call, list[tuple[Action, int]]] = {
    Call.WRITE: [
        *FAILS,
        (Action.SHORT, 0),
        (Action.SHORT_THEN_FAIL, errno.ENOSPC),
        (Action.KILL_WITHIN, 0),
        *KILLS,
    ],
    Call.FDATASYNC: [*FAILS, *KILLS],
    Call.FSYNC: [*FAILS, *KILLS],
    Call.RENAME: [*FAILS, *KILLS],
    Call.OPEN: [*FAILS, *KILLS],
    Call.FTRUNCATE: [*FAILS, *KILLS],
    Call.MKDIR: [*FAILS, *KILLS],
    Call.FLOCK: [(Action.FAIL, errno.EIO), (Action.FAIL, errno.ENOLCK), *KILLS],
    Call.UNLINK: [(Action.FAIL, errno.EIO), *KILLS],
    Call.READ: [(Action.FAIL, errno.EIO), (Action.SHORT, 0)],
    Call.CLOSE: [(Action.FAIL, errno.EIO), *KILLS],
}
"""What becomes of it, and with which error."""


@attrs.frozen
class Strike:
    """What becomes of the Nth call of a kind."""

    call: Call
    nth: int
    action: Action
    error: int

    def __str__(self) -> str:
        error = errno.errorcode.get(self.error, "")
        return f"{self.call.name} {self.nth} {self.action.name} {error}".strip()
