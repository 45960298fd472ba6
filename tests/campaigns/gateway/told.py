"""
What clients of a gateway were told, and whether it agrees with the journal.

Times are those of one clock, that all clients share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs

from atomic_store import AtomicStoreError, open_reader

from .rule import accepts, seen


@attrs.frozen
class Stored:
    """A record, as it is compared."""

    position: int
    scope: str
    sequence: int
    id: str
    cents: int
    by: str
    meta: Mapping[str, Any] = attrs.field(eq=False)


@attrs.define(eq=False)
class Proposed:
    """A proposal, and what its client was told in the end."""

    client: str
    id: str
    scope: str
    cents: int
    began: float
    ended: float | None = None
    """When its client knew what became of it."""
    outcome: str | None = None
    is_duplicate: bool = False
    places: list[tuple[int, int]] = attrs.Factory(list)
    """Position and sequence of each record that it was told of."""
    meta: Mapping[str, Any] | None = None
    sent: int = 0

    def end(self, now: float, outcome: str, **told: Any) -> None:
        """Its client knows by now."""
        self.ended, self.outcome = now, outcome
        for name, value in told.items():
            setattr(self, name, value)

    def __str__(self) -> str:
        return f"proposal {self.id} of {self.client} to {self.scope} ({self.outcome})"


@attrs.define(eq=False)
class Heard:
    """What a subscription or a query gave: positions, in the order in which they came."""

    who: str
    prefix: str
    """Of the scopes that it is about."""
    began: float
    after: int = 0
    positions: list[int] = attrs.Factory(list)
    times: list[float] = attrs.Factory(list)
    """When each came."""
    is_whole: bool = False
    """It has said that this was all, at `ended`."""
    ended: float = 0.0

    def give(self, position: int, now: float) -> None:
        """Write down that a record came."""
        self.positions.append(position)
        self.times.append(now)


@attrs.define(eq=False)
class Told:
    """What all clients were told."""

    proposed: list[Proposed] = attrs.Factory(list)
    followed: list[Heard] = attrs.Factory(list)
    """By subscriptions; in the end each has come to the end."""
    queried: list[Heard] = attrs.Factory(list)
    faults: list[str] = attrs.Factory(list)
    """What clients saw that may never be."""

    @contextmanager
    def noting(self, who: str) -> Iterator[None]:
        """Note an error that a client should never have got, and end the block."""
        try:
            yield
        except AtomicStoreError as error:
            self.faults.append(f"{who}: {error!r}")

    def violations(self, stored: Sequence[Stored], first: int = 1) -> list[str]:
        """
        Everything that is not as it was promised; empty if all is well.

        Args:
          stored: all that is stored from the position `first` on, and of scopes that have
            nothing before it.
        """
        return [*self.faults, *self._violations(stored, first)]

    def _violations(self, stored: Sequence[Stored], first: int) -> Iterator[str]:
        scopes: dict[str, list[Stored]] = defaultdict(list)
        for record in stored:
            scopes[record.scope].append(record)
        if [one.position for one in stored] != [*range(first, first + len(stored))]:
            yield "positions have a gap"
        yield from _wrong_journal(scopes, {one.id: one for one in self.proposed})
        yield from _wrong_results(self.proposed, stored)
        yield from _wrong_rejections(self.proposed, scopes)
        yield from _wrong_order(self.proposed)
        for heard in self.followed:
            yield from _wrong_feed(heard, stored)
        for heard in self.queried:
            yield from _wrong_query(heard, stored, self.proposed)


async def stored_in(path: Path) -> list[Stored]:
    """What is in a store's journal, beside a gateway that has it open."""
    async with open_reader(path, events=None) as reader:
        records = [record async for record in reader.read()]
    return [
        Stored(
            record.position, record.scope, record.sequence, str(record.proposal_id),
            record.event.data["cents"], str(record.metadata["$by"]), record.meta,
        )
        for record in records
    ]  # fmt: skip


def _wrong_journal(
    scopes: Mapping[str, Sequence[Stored]], proposed: Mapping[str, Proposed]
) -> Iterator[str]:
    """Each record was proposed, once, and its round saw exactly what lies before it."""
    for scope, records in scopes.items():
        ids: list[str] = []
        for sequence, one in enumerate(records, 1):
            if one.sequence != sequence:
                yield f"{one}: expected sequence {sequence}"
            if one.id in ids:
                yield f"{one}: its proposal was admitted twice"
            whose = proposed.get(one.id)
            if whose is None or (whose.client, whose.scope, whose.cents) != (
                one.by, scope, one.cents,
            ):  # fmt: skip
                yield f"{one}: nobody proposed this"
            if one.meta != seen(ids) or not accepts(one.cents, len(ids)):
                yield f"{one}: its round saw {one.meta}, expected {seen(ids)}"
            ids.append(one.id)


def _wrong_results(proposed: Sequence[Proposed], stored: Sequence[Stored]) -> Iterator[str]:
    """Everybody knows what became of his proposal, and it is so."""
    by_id = {one.id: one for one in stored}
    for one in proposed:
        record = by_id.get(one.id)
        if one.outcome is None:
            yield f"{one}: its client never came to know"
        elif one.outcome == "accepted":
            place = [] if record is None else [(record.position, record.sequence)]
            if one.places != place:
                yield f"{one}: told {one.places}, stored {place}"
            if record is not None and one.meta != record.meta:
                yield f"{one}: told {one.meta}, stored {record.meta}"
        elif record is not None:
            yield f"{one}: stored as {record}"


def _wrong_rejections(
    proposed: Sequence[Proposed], scopes: Mapping[str, Sequence[Stored]]
) -> Iterator[str]:
    """A rejection rests on a past that there was while the proposal was under way."""
    told: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for one in proposed:
        if one.outcome == "accepted" and one.ended is not None:
            told[one.scope] += [(one.ended, sequence) for _, sequence in one.places]
    for one in proposed:
        if one.outcome != "rejected":
            continue
        assert one.meta is not None
        saw = one.meta["saw"]
        ids = [record.id for record in scopes.get(one.scope, ())][:saw]
        if dict(one.meta) != seen(ids) or accepts(one.cents, saw):
            yield f"{one}: it rests on {one.meta}, expected {seen(ids)}"
        missed = [place for ended, place in told[one.scope] if ended < one.began and place > saw]
        if missed:
            yield f"{one}: it rests on {saw} events, and {max(missed)} had been told before"


def _wrong_order(proposed: Sequence[Proposed]) -> Iterator[str]:
    """What was told before another one began comes before it."""
    scopes: dict[str, list[Proposed]] = defaultdict(list)
    for one in proposed:
        # Where a duplicate's proposal began is the first time; when it was admitted is open.
        if one.outcome == "accepted" and one.places:
            scopes[one.scope].append(one)
    for some in scopes.values():
        in_order = sorted(some, key=lambda one: one.places[0][1])
        latest = -1.0
        for one in in_order:
            assert one.ended is not None
            latest = max(latest, one.began)
            if one.ended < latest:
                yield f"{one}: told before what comes before it had begun"


def _wrong_feed(heard: Heard, stored: Sequence[Stored]) -> Iterator[str]:
    """A subscription gives everything once, in order."""
    wanted = [
        one.position
        for one in stored
        if one.scope.startswith(heard.prefix) and one.position > heard.after
    ]
    for before, position in pairwise(heard.positions):
        if position <= before:
            yield f"{heard.who}: {position} came behind {before}"
            return
    if heard.positions != wanted:
        missing = sorted({*wanted} - {*heard.positions})
        foreign = sorted({*heard.positions} - {*wanted})
        yield f"{heard.who}: missing {missing[:5]}, and not to be there {foreign[:5]}"


def _wrong_query(
    heard: Heard, stored: Sequence[Stored], proposed: Sequence[Proposed]
) -> Iterator[str]:
    """A query gives a part of the journal without gaps, and all that was told before it."""
    wanted = [
        one.position
        for one in stored
        if one.scope.startswith(heard.prefix) and one.position > heard.after
    ]
    count = len(heard.positions)
    if heard.positions != wanted[:count]:
        yield f"{heard.who}: a query gave {heard.positions[:9]}…, expected {wanted[:count][:9]}…"
    elif heard.is_whole:
        told = [
            position
            for one in proposed
            if one.ended is not None and one.ended < heard.began
            for position, _ in one.places
        ]
        missing = set(told) & set(wanted[count:])
        if missing:
            yield f"{heard.who}: a query lacks {sorted(missing)[:5]}, which had been told before"
