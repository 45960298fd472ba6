"""The rows about stores that have grown: opening them, and what else must not grow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from . import databases, grown, indexing
from .runner import STORE, Contestant, Goal, Round, Row, at_least, at_most
from .sizes import FULL
from .workload import Bid, bids, own_lots

_SIZES = range(len(FULL.grown))
WITHOUT_FILES = "atomic_store, without these files"
WITH_PAST = "atomic_store, without a fold: 200,000 events kept in memory"
SQLITE_DISK = "sqlite3, a row with a primary key and a unique id"
EVENTSOURCING_DISK = "eventsourcing, SQLite recorder"


def _by_size(measure: Callable[[int, Round], float]) -> tuple[Contestant, ...]:
    """The largest store first: goals are about it."""
    return tuple(
        Contestant(
            STORE if which == _SIZES[-1] else f"{STORE}, {FULL.grown[which]:,} events",
            partial(measure, which),
        )
        for which in reversed(_SIZES)
    )


def _row(
    name: str, title: str, unit: str, measure: Callable[[int, Round], float], *goals: Goal
) -> Row:
    largest = f"{FULL.grown[-1]:,} events in {grown.scopes_of(FULL.grown[-1]):,} scopes"
    return Row(name, f"{title}: {largest}", unit, _by_size(measure), goals)


def _sqlite_bytes(round_: Round) -> float:
    events = _events(round_)
    databases.sqlite_inserts(round_.directory, events)
    return _size(round_, "records.sqlite") / len(events)


def _eventsourcing_bytes(round_: Round) -> float:
    events = _events(round_)
    databases.eventsourcing_inserts(round_.directory, events)
    return _size(round_, "eventsourcing.sqlite") / len(events)


def _events(round_: Round) -> Sequence[Bid]:
    (events,) = zip(*bids(own_lots(round_.sizes.inserts), 1), strict=True)
    return events


def _size(round_: Round, name: str) -> int:
    return sum(path.stat().st_size for path in round_.directory.glob(f"{name}*"))


BIG_ROWS = (
    _row("opening-closed", "open a store that was closed", "s",
         partial(grown.opening_s, False, False), at_most(1)),
    _row("opening-killed", "open a store whose writer was killed", "s",
         partial(grown.opening_s, True, False), at_most(5)),
    _row("opening-cold", "open a store that was closed, nothing of it in the page cache", "s",
         partial(grown.opening_s, False, True)),
    _row("opening-killed-cold", "open a store whose writer was killed, nothing of it in the cache",
         "s", partial(grown.opening_s, True, True)),
    _row("opening-memory", "the largest resident size of a process that opens a store", "MB",
         partial(grown.opening_mb, True), at_most(400)),
    _row("cold-fold", "the first admission in a cold scope of 10,000 events, with a fold", "ms",
         partial(grown.first_admission_ms, True), at_most(20)),
    _row("cold-past", "the first admission in a cold scope of 10,000 events, without", "ms",
         partial(grown.first_admission_ms, False), at_most(200)),
    Row("scopes-once", f"memory after {FULL.scopes_once:,} scopes were used once each", "MB",
        (Contestant(STORE, grown.many_scopes_mb),), (at_most(100),)),
    Row("indexing", "admissions while index files and snapshots are made, 200 proposers, a fold",
        "events/s",
        (Contestant(STORE, partial(indexing.rate, indexing.WITH_FILES)),
         Contestant(WITHOUT_FILES, partial(indexing.rate, indexing.WITHOUT_FILES))),
        (at_least(0.9, WITHOUT_FILES),)),
    Row("indexing-pause", "the longest pause of Trio's loop meanwhile", "ms",
        (Contestant(STORE, partial(indexing.longest_pause_ms, indexing.WITH_FILES)),
         Contestant(WITHOUT_FILES, partial(indexing.longest_pause_ms, indexing.WITHOUT_FILES)),
         Contestant(WITH_PAST, partial(indexing.longest_pause_ms, indexing.WITH_PAST))),
        (at_most(50),)),
    Row("disk", "bytes on the disk for an event of 200 bytes, index included", "bytes",
        (Contestant(STORE, grown.bytes_per_event),
         Contestant(SQLITE_DISK, _sqlite_bytes),
         Contestant(EVENTSOURCING_DISK, _eventsourcing_bytes))),
)  # fmt: skip
