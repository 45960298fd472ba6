"""How a command ends: the exit code for each failure, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from ..errors import AtomicStoreError, JournalCorrupt
from .bids_file import BadBids
from .output import OutputClosed, OutputFailed, complain

DONE = 0
WRONG = 1
"""It was done, and something is wrong: damage, or no such scope."""
IMPOSSIBLE = 2
"""It could not be done."""
INTERRUPTED = 130
UNREAD = 141
"""The reader of stdout left; what a shell makes of a SIGPIPE."""


class CannotRun(Exception):
    """It could not be done, and the message says why, in one line."""


@contextmanager
def refusing_values() -> Iterator[None]:
    """Tell of a value that cannot be, which only the work itself could see."""
    try:
        yield
    except ValueError as error:
        if isinstance(error, AtomicStoreError):
            raise
        raise CannotRun(f"--{error}") from None


EXPECTED = (
    OutputClosed, OutputFailed, BadBids, AtomicStoreError, CannotRun, click.UsageError, OSError,
)  # fmt: skip


def ended(run: Callable[[], int | None]) -> int:
    """Run to the end, and give the exit code; only what nobody expects is raised."""
    try:
        return run() or DONE
    except BaseException as error:
        code = _told(_cause(error))
        if code is None:
            raise
        return code


def _cause(error: BaseException) -> BaseException:
    """Give the one error to tell; for a group with something unexpected in it, the group."""
    leaves = list(_leaves(error))
    for leaf in leaves:
        if isinstance(leaf, KeyboardInterrupt | click.Abort):
            return leaf
    return leaves[0] if all(isinstance(leaf, EXPECTED) for leaf in leaves) else error


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error


def _told(error: BaseException) -> int | None:
    """Say what went wrong, and give the exit code; None for what is not expected."""
    match error:
        case KeyboardInterrupt() | click.Abort():
            return INTERRUPTED
        case OutputClosed():
            return UNREAD
        case JournalCorrupt():
            complain(
                f"{error}\n`atomic-store verify` finds all damage. `atomic-store repair` makes "
                "a new store of what can be believed."
            )
            return WRONG
        case click.UsageError():
            complain(error.format_message())
            if error.ctx is not None:
                complain(f"`{error.ctx.command_path} --help` says what can be asked.")
            return IMPOSSIBLE
        case OutputFailed() | BadBids() | CannotRun() | AtomicStoreError():
            complain(str(error))
            return IMPOSSIBLE
        case OSError():
            place = f"{error.filename}: " if error.filename is not None else ""
            complain(f"{place}{error.strerror or error}")
            return IMPOSSIBLE
        case _:
            return None
