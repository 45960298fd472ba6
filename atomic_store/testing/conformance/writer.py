"""What the cases of the suite write, and what must come of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from ...errors import JournalFailed
from ...journal import Commit, Draft, EncodedEvent, Journal, StoredRecord


def proposal_id(number: int) -> str:
    """The id of the n-th proposal: different ones for different numbers."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))


def plain_draft(scope: str, number: int, *, events: int = 1) -> Draft:
    """A draft of which each event is unlike all others."""
    encoded = (
        EncodedEvent("Bid", 1, b'{"bid":%d,"event":%d}' % (number, k)) for k in range(events)
    )
    return Draft(scope, proposal_id(number), tuple(encoded))


def rich_draft(scope: str, number: int, *, events: int = 1) -> Draft:
    """A draft that uses all that a draft can hold."""
    data = '{"name":"Ada \U0001f600 \\u0000","cents":123456789012345678901234567890,"n":%d}'
    encoded = (EncodedEvent("Bid", 3, (data % k).encode()) for k in range(events))
    return Draft(
        scope,
        proposal_id(number),
        tuple(encoded),
        metadata=b'{"correlation":"c-1"}',
        meta='{"because":"é"}'.encode(),
        proposed="00112233445566778899aabbccddeeff",
    )


@attrs.define(eq=False)
class Writer:
    """Appends to a journal that nobody else appends to, and knows what must be in it."""

    journal: Journal
    records: list[StoredRecord] = attrs.Factory(list)
    """All that were appended, in the order of position."""
    commits: list[Commit] = attrs.Factory(list)
    """One for each decision."""
    _sequences: dict[str, int] = attrs.Factory(dict)

    def append(self, scope: str = "lot-1", *, events: int = 1) -> Commit:
        """Append the next decision."""
        return self.append_draft(plain_draft(scope, len(self.commits) + 1, events=events))

    def append_draft(self, draft: Draft) -> Commit:
        """Append a decision, and look whether its records got the right places."""
        sequence = self._sequences.get(draft.scope, 0)
        records, commit = self.journal.append_nowait(draft, expected_sequence=sequence)
        position = len(self.records)
        n = len(draft.events)
        assert [position + k + 1 for k in range(n)] == [record.position for record in records]
        assert [sequence + k + 1 for k in range(n)] == [record.sequence for record in records]
        self._sequences[draft.scope] = sequence + n
        self.records += records
        self.commits.append(commit)
        return commit

    async def write(self, scope: str = "lot-1", *, events: int = 1, times: int = 1) -> None:
        """Append decisions, each in a commit of its own, and wait until they are durable."""
        for _ in range(times):
            commit = self.append(scope, events=events)
            self.journal.flush_nowait()
            await commit.wait()

    async def flush(self) -> None:
        """Wait until all that was appended is durable."""
        self.journal.flush_nowait()
        await self.commits[-1].wait()

    def of(self, scope: str) -> list[StoredRecord]:
        """The records of a scope, by sequence."""
        return [record for record in self.records if record.scope == scope]


async def read_everything(
    journal: Journal, *, after: int = 0, page_records: int = 1000
) -> list[StoredRecord]:
    """All durable records behind a position, read in pages."""
    records: list[StoredRecord] = []
    while page := await journal.read_all(after=after, limit=page_records):
        assert len(page) <= page_records
        # Each page must go on behind the one before, or this would never end.
        assert after < page[0].position
        records += page
        after = page[-1].position
    return records


def note_end(ends: list[tuple[int, bool]], number: int, failure: JournalFailed | None) -> None:
    """Note that commit `number` has ended, and whether it is durable."""
    ends.append((number, failure is None))


@contextmanager
def refuses(*errors: type[Exception]) -> Iterator[list[Exception]]:
    """Expect the block to raise one of these; the list holds it afterwards."""
    raised: list[Exception] = []
    try:
        yield raised
    except errors as error:
        raised.append(error)
        return
    names = " or ".join(error.__name__ for error in errors)
    raise AssertionError(f"expected {names}, but nothing was raised")
