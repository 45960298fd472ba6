"""The suite as one call, for those who run it without pytest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import attrs
import trio

from ...journal import Journal
from .place import JournalPlace
from .suite import JournalConformance, PersistentJournalConformance

OpenNamedJournal: TypeAlias = Callable[[str], AbstractAsyncContextManager[Journal]]

CASE_SECONDS_MAX = 120


def cases_of(conformance: type[JournalPlace]) -> list[str]:
    """The names of a class's cases, in a fixed order."""
    return sorted(name for name in dir(conformance) if name.startswith("test_"))


async def failures_of(
    new_case: Callable[[str], JournalPlace], cases: Sequence[str]
) -> dict[str, Exception]:
    """
    Run cases one after the other, each on an instance of its own.

    Args:
      new_case: makes the instance for the case of this name.
      cases: the names of methods.

    Returns:
      What was raised, by the name of the case; empty if all passed. A case that takes
      more than two minutes has failed with `trio.TooSlowError`.

    Checkpoints. Cancellation: may be cancelled, between and within cases.
    """
    failures: dict[str, Exception] = {}
    for case in cases:
        try:
            with trio.fail_after(CASE_SECONDS_MAX):
                await getattr(new_case(case), case)()
        except Exception as error:
            error.add_note(f"in the conformance case {case}")
            failures[case] = error
    return failures


async def check_journal(open_journal: OpenNamedJournal, *, is_persistent: bool) -> None:
    """
    Check that a journal does what every journal must do.

    Args:
      open_journal: opens the journal of a name, as an async context manager: for a
        name that it has not seen a new, empty one; for one that it has, the same
        again, if the journal is persistent. Names are made of letters, digits and ``_``.
      is_persistent: whether records outlive the block that they were appended in.

    Checkpoints. Cancellation: may be cancelled, and leaves nothing behind of its own.

    Raises:
      ExceptionGroup: of what the failed cases raised, each with a note that names its case.
    """
    case_type = _PersistentCase if is_persistent else _Case
    cases = cases_of(case_type)
    failures = await failures_of(lambda name: case_type(name, open_journal), cases)
    if failures:
        message = f"{len(failures)} of {len(cases)} conformance cases failed"
        raise ExceptionGroup(message, list(failures.values()))


@attrs.define(eq=False)
class _Named(JournalPlace):
    """A place that is named after its case."""

    _name: str
    _open: OpenNamedJournal

    def open_journal(self) -> AbstractAsyncContextManager[Journal]:
        return self._open(self._name)


class _Case(_Named, JournalConformance):
    """A case for a journal that ends with its block."""


class _PersistentCase(_Named, PersistentJournalConformance):
    """A case for a journal that can be opened again."""
