"""
What can go wrong, by whose fault it is.

Everything here derives from `AtomicStoreError`. A rejection or a timeout is not
here: those are results, not errors.
"""

from __future__ import annotations

import copy
from typing import Any


class AtomicStoreError(Exception):
    """The root of every error that this library raises on purpose."""


# --- the caller's ------------------------------------------------------------


class InvalidEvent(AtomicStoreError, ValueError):
    """
    This event, or what came with it, cannot be stored: the message names the path.

    Nothing was stored. Unlike `JournalCorrupt` it says nothing about the store.
    """


class IdempotencyConflict(AtomicStoreError, ValueError):
    """
    The proposal id was used before in this scope, for another event.

    Nothing was stored. The same id with the *same* event is no error: it is
    answered with the original result, `is_duplicate`.
    """


class StaleResponse(AtomicStoreError, RuntimeError):
    """
    The round that this answers is over: timed out, withdrawn or answered before.

    The answer changed nothing.
    """


class PastNotLoaded(AtomicStoreError, RuntimeError):
    """
    The past of this scope was not read, because the store keeps a fold.

    `await request.load_past()` reads it.
    """


class FilterError(AtomicStoreError, ValueError):
    """
    This text is no filter.

    Attributes:
      text: what was given; its beginning, if it is too long.
      offset: the character in it, from 0, at which the fault shows.
      expected: what should stand there.
      found: what stands there instead.
    """

    def __init__(self, text: str, offset: int, expected: str, found: str) -> None:
        super().__init__(text, offset, expected, found)
        self.text = text
        self.offset = offset
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        # As much of the text as fits a line, and nothing that could command a terminal.
        start = max(0, self.offset - 50)
        dots = "…" if start else ""
        part = self.text[start : start + 76]
        line = dots + "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in part)
        caret = " " * (len(dots) + self.offset - start) + "^"
        return (
            f"at offset {self.offset}: expected {self.expected}, found {self.found}\n"
            f"  {line}\n  {caret}"
        )


class NotAStore(AtomicStoreError, ValueError):
    """
    There is no store at this path, or one of a format that this version does not know.

    Who opens a backup for writing gets it, too: a store is made of that first, by `restore`.
    Unlike `JournalCorrupt`, nothing is damaged.
    """


class TargetRefused(AtomicStoreError, ValueError):
    """
    A store, a backup or a file cannot be made at this path.

    Something is there already, or the path lies inside of what it would be made from.
    Nothing was written. Unlike `JournalFailed`, the disk did not refuse anything.
    """


class BadExport(AtomicStoreError, ValueError):
    """
    This file is no whole export of records, or holds records that make no store.

    Nothing was stored. Unlike `JournalCorrupt` it says nothing about any store.

    Attributes:
      path: the file.
      line: the line's number in it, from 1.
      expected, found: what should be there, and what is.
    """

    def __init__(self, path: str, line: int, expected: str, found: str) -> None:
        super().__init__(path, line, expected, found)
        self.path = path
        self.line = line
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: expected {self.expected}, found {self.found}"


class StoreReplaced(AtomicStoreError, RuntimeError):
    """
    Another store, or another history of the same one, lies where a reader's was.

    A store that is restored or repaired gets another history. What was read before is
    right; open another reader for what is there now.
    """


# --- too much at once ---------------------------------------------------------


class ScopeBusy(AtomicStoreError, RuntimeError):
    """
    The scope's waiting room is full.

    Nothing was stored; proposing again later is safe.
    """


# --- the store's life ----------------------------------------------------------


class StoreClosed(AtomicStoreError, RuntimeError):
    """
    The store was closed before this proposal was decided, or before it was made.

    Nothing was stored.
    """


class StoreLocked(AtomicStoreError, RuntimeError):
    """Another process, or another part of this one, has the store open for writing."""


class ScopeFailed(AtomicStoreError, RuntimeError):
    """
    The scope's actor crashed while this proposal was in its round.

    Nothing was stored. The cause is in `__cause__`; please report it as a bug.
    Other scopes, and the proposals that wait in this one, go on.
    """


# --- broken outside -------------------------------------------------------------


class JournalFailed(AtomicStoreError, OSError):
    """
    The disk refused, and the store has stopped for good.

    Whether this proposal was stored is *not known*: open the store again and
    propose it again with the same proposal id.

    Attributes:
      operation: what was tried (``"fdatasync"``).
      path: the file or directory it was tried on.
      hint: what to do about it.
    """

    def __init__(self, operation: str, path: str, hint: str, reason: str = "") -> None:
        super().__init__(operation, path, hint, reason)
        self.operation = operation
        self.path = path
        self.hint = hint
        self.reason = reason

    def __str__(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        return f"{self.operation} failed on {self.path}{reason}: {self.hint}"

    def again(self) -> JournalFailed:
        """A new exception that says the same, for one more caller to raise."""
        again = JournalFailed(self.operation, self.path, self.hint, self.reason)
        again.__cause__ = self.__cause__
        return again


class JournalCorrupt(AtomicStoreError):
    """
    What lies in the journal is not what was written.

    Attributes:
      path: the file.
      offset: the byte in it at which the damage shows.
      expected, found: what should be there, and what is.
      line: the line's number in the file, from 1, where it is known.
    """

    def __init__(
        self, path: str, offset: int, expected: str, found: str, line: int | None = None
    ) -> None:
        super().__init__(path, offset, expected, found, line)
        self.path = path
        self.offset = offset
        self.expected = expected
        self.found = found
        self.line = line

    def __str__(self) -> str:
        line = "" if self.line is None else f", line {self.line}"
        return (
            f"{self.path} is damaged at offset {self.offset}{line}: "
            f"expected {self.expected}, found {self.found}"
        )


class SequenceConflict(AtomicStoreError, RuntimeError):
    """
    An append expected the scope to be at a sequence at which it no longer is.

    Only journals raise it: it is what keeps a second writer out. Nothing was stored.
    """

    def __init__(self, scope: str, expected: int, found: int) -> None:
        super().__init__(scope, expected, found)
        self.scope = scope
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return f"scope {self.scope!r} is at sequence {self.found}, expected {self.expected}"


def again(error: Exception) -> Exception:
    """
    Give an exception that says the same, for one more caller to raise.

    Each raising adds to an exception's traceback: callers that share one would see each
    other's. One that cannot be copied is given itself.
    """
    try:
        other = copy.copy(error)
    except Exception:
        return error
    other.__cause__ = error.__cause__
    return other


def shown(value: Any, length_max: int = 80) -> str:
    """`repr` of a value that came from outside, cut to a length that fits a message."""
    text = repr(value)
    return text if len(text) <= length_max else text[: length_max - 1] + "…"
