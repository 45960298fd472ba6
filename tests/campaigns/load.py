"""
What a writing process does in one life: the whole store under load, in several scopes.

All that a proposal is follows from its number, so that the next life can propose again what was
in doubt. Each event that is stored says how many records its round saw, and what they amount
to: a round that saw another past shows in the files for ever.
"""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any, TypeAlias, final
from uuid import UUID

import attrs
import trio

from atomic_store import (
    AtomicStoreError,
    Decision,
    Fold,
    JournalCorrupt,
    JournalFailed,
    Result,
    Store,
    StoreClosed,
    ValidationRequest,
    open_store,
)
from atomic_store.journal.disk import Disk
from atomic_store.journal.file import FileJournal, open_file_journal

from .ledger import Ledger, digest_of

SCOPES = 5
LIFE_NUMBERS = 100_000
"""More than any life proposes."""

Say: TypeAlias = Callable[..., None]


@attrs.frozen
class Deed:
    """An event: its number, and what its round saw."""

    scope: str
    number: int
    seen: int = 0
    digest: int = 0


AMOUNT: Fold[tuple[int, int], Deed] = Fold(
    (0, 0),
    lambda before, deed: (before[0] + 1, digest_of(before[1], deed.number)),
    state_type=tuple[int, int],
)
"""How many records a scope has, and what they amount to."""


class NotToday(Exception):
    """What some validators raise."""


@attrs.frozen
class Load:
    """
    How a life goes.

    Args:
      life: its number; each life of a store has its own.
      workers: how many propose at a time, each one after the other.
      proposals: how many each proposes; None: until the process ends.
      again: how many proposals in doubt are made again, and half as many that were accepted.
      acknowledges_early: the control: says what was decided before it is durable.
    """

    life: int
    workers: int = 6
    proposals: int | None = None
    segment_bytes_max: int = 8_000
    piece_bytes: int = 2_000
    snapshot_every: int = 4
    again: int = 6
    acknowledges_early: bool = False


def saying(file: int) -> Say:
    """Give what says a line: once it returns, the line outlives the process."""

    def say(*line: object) -> None:
        os.write(file, json.dumps(line).encode() + b"\n")

    return say


def id_of(number: int) -> UUID:
    """A proposal's id."""
    return UUID(int=number + 1)


def number_of(id_: str) -> int:
    """The number that an id is of."""
    return UUID(id_).int - 1


@final
@attrs.define(eq=False)
class Proposer:
    """One proposal: how it is made and decided follows from its number."""

    number: int
    say: Say
    acknowledges_early: bool = False
    saw: tuple[int, int] | None = None

    @property
    def deed(self) -> Deed:
        return Deed(f"scope-{self.number % SCOPES}", self.number)

    @property
    def manner(self) -> int:
        return Random(self.number).randrange(12)

    @property
    def events(self) -> int:
        return 3 if self.manner == 0 else 1

    def decide(self, request: ValidationRequest[Deed]) -> Decision:
        """A plain validator."""
        seen, digest = self.saw = request.state
        if self.manner == 1:
            return request.reject("the number does not please")
        if self.manner == 2:
            raise NotToday
        if self.acknowledges_early:
            self.say_accepted(seen + 1)
        deed = attrs.evolve(self.deed, seen=seen, digest=digest)
        return request.accept(*[deed] * self.events, meta={"saw": seen})

    async def decide_slowly(self, request: ValidationRequest[Deed]) -> Decision:
        """An `async def` validator; some look at the whole past."""
        if self.manner == 3:
            past = await request.load_past()
            amount = AMOUNT.initial
            for deed in past:
                amount = AMOUNT.evolve(amount, deed)
            if amount != request.state:
                self.say("problem", f"{self.deed}: state {request.state}, but the past {amount}")
        await trio.lowlevel.checkpoint()
        return self.decide(request)

    async def propose(self, store: Store[Deed]) -> None:
        """
        Propose, and say what was told.

        Raises:
          AtomicStoreError: the store's.
        """
        own: Any = {"proposal_id": id_of(self.number), "metadata": {"pad": "·" * self.padding}}
        self.say("proposes", str(id_of(self.number)), self.deed.scope, self.events, self.number)
        try:
            if self.manner == 4:
                async with store.consider(self.deed, **own) as request:
                    if request.result is None:
                        await request.respond(await self.decide_slowly(request))
                    result = request.result
            else:
                validate: Any = self.decide_slowly if self.manner in (3, 5, 6, 7) else self.decide
                result = await store.store_if_valid(self.deed, validate, **own)
        except NotToday:
            self.say_saw()
        else:
            assert result is not None
            self.tell(result)

    @property
    def padding(self) -> int:
        return self.number * 37 % 300

    def tell(self, result: Result[Deed]) -> None:
        """Say what came of it."""
        if result.was_accepted:
            if not self.acknowledges_early or result.is_duplicate:
                self.say_accepted(result.records[0].sequence)
        else:
            self.say_saw()

    def say_accepted(self, sequence: int) -> None:
        self.say("accepted", str(id_of(self.number)), self.deed.scope, sequence, self.events)

    def say_saw(self) -> None:
        assert self.saw is not None
        self.say("saw", self.deed.scope, *self.saw)


async def live(path: Path, load: Load, say: Say, ledger: Ledger, disk: Disk | None = None) -> None:
    """
    Open the store, compare it with what is known of it, and load it.

    Raises:
      AtomicStoreError: the store's.
    """
    async with (
        open_file_journal(
            path,
            disk=disk,
            segment_bytes_max=load.segment_bytes_max,
            piece_bytes=load.piece_bytes,
        ) as journal,
        open_store(
            journal,
            events=Deed,
            scope_of=lambda deed: deed.scope,
            state=AMOUNT,
            snapshot_every=load.snapshot_every,
            live_scopes_max=2,
        ) as store,
    ):
        say("opened", "after a close" if store.recovery.was_closed else "after a crash")
        if store.recovery.torn_bytes:
            say("cut off", "a torn tail")
        random = Random(load.life)
        await look(store, ledger, random, say)
        async with trio.open_nursery() as nursery:
            for numbers in islice(given_out(load, ledger, random), load.workers):
                nursery.start_soon(work, store, journal, numbers, load, say)


def given_out(load: Load, ledger: Ledger, random: Random) -> Iterator[Iterator[int]]:
    """For each worker, the numbers that it proposes: what is in doubt first, then new ones."""
    doubtful = [number_of(i) for i in ledger.proposed if i not in ledger.told]
    told = [number_of(i) for i in ledger.told]
    again = random.sample(doubtful, min(load.again, len(doubtful)))
    again += random.sample(told, min(load.again // 2, len(told)))
    new = count(load.life * LIFE_NUMBERS)
    for worker in count():
        mine = again[worker :: load.workers]
        if load.proposals is None:
            yield (n for numbers in (mine, new) for n in numbers)
        else:
            yield iter([*mine, *(next(new) for _ in range(load.proposals))])


async def work(
    store: Store[Deed], journal: FileJournal, numbers: Iterator[int], load: Load, say: Say
) -> None:
    """Propose one after the other until the numbers end or the store has."""
    for number in numbers:
        try:
            await Proposer(number, say, load.acknowledges_early).propose(store)
        except StoreClosed:
            return
        except (JournalFailed, JournalCorrupt) as error:
            if journal.failure is not None:
                await refuses(store, number, say)
                return
            # A past that could not be read: the store goes on, without this proposal.
            say("unread", type(error).__name__)


async def refuses(store: Store[Deed], number: int, say: Say) -> None:
    """Check that a store that has failed admits nothing any more."""
    try:
        result = await store.store_if_valid(Deed("scope-0", number), lambda r: r.accept())
    except JournalFailed:
        say("refused", "after a failure")
    else:
        say("problem", f"a store that had failed said {result}")


async def look(store: Store[Deed], ledger: Ledger, random: Random, say: Say) -> None:
    """Compare some of what the store finds with what is known of it."""
    if store.head.position < ledger.position:
        say("problem", f"expected {ledger.position} records or more, found {store.head.position}")
    after = max(0, ledger.position - 10)
    last = [record.position async for record in store.read(after=after, limit=10)]
    if last[: ledger.position - after] != [*range(after + 1, ledger.position + 1)]:
        say("problem", f"expected the positions from {after + 1}, found {last}")
    for id_ in random.sample(sorted(ledger.admitted), min(4, len(ledger.admitted))):
        place = ledger.admitted[id_]
        result = await store.outcome(UUID(id_), scope=place.scope)
        found = None if result is None else [record.sequence for record in result.records]
        if found != [*range(place.sequence, place.sequence + place.events)]:
            say("problem", f"{id_}: expected {place}, found {found}")
    for scope, past in random.sample(sorted(ledger.scopes.items()), min(1, len(ledger.scopes))):
        records = await store.query_events(scope, before=past.sequence + 1)
        amount = AMOUNT.initial
        for record in records:
            amount = AMOUNT.evolve(amount, record.event)
        if amount != (past.sequence, past.digests[-1]):
            say("problem", f"{scope}: expected {past.digests[-1]}, found {amount}")


def run(path: Path, load: Load, say: Say, ledger: Ledger) -> None:
    """
    Live a life in this process, and say how it ended.

    An error that is the store's to raise is said; any other is a problem.
    """
    try:
        trio.run(live, path, load, say, ledger)
    except AtomicStoreError as error:
        say("ended", type(error).__name__, str(error))
    except BaseException as error:
        say("problem", "".join(traceback.format_exception(error)))
    else:
        say("ended", "closed")
