"""The rows of the table: who does what, and what the store's figure is to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from . import databases, loops, optimistic, stores, upkeep
from .big_rows import BIG_ROWS
from .runner import STORE, Contestant, Goal, Round, Row, at_least, at_most, exactly
from .workload import bids, one_lot, own_lots
from .written import Written, written_by_store

BARE = "write + fdatasync, in a loop"
GROUP = "group-commit loop, the store's batches"
GROUP_OWN = "group-commit loop, its own batches"
SQLITE = "sqlite3, WAL, synchronous=FULL"
EVENTSOURCING = "eventsourcing, SQLite recorder"
UMADB_ONE = "umadb, 1 client"
UMADB_MANY = "umadb, 64 clients"
MEMORY_RETRY = "append if unchanged, else retry, in memory"
SQLITE_RETRY = "append if unchanged, else retry, sqlite3"

Lots = Callable[[int], Sequence[str]]


# --- the store, and what it leaves for its peers -----------------------------------


def _single(round_: Round) -> float:
    sizes = round_.sizes
    warmup = max(1, sizes.single // 20)
    directory = round_.directory / "bids.store"
    seconds = stores.propose_all(directory, stores.accept, ["lot-1"], warmup, sizes.single)
    round_.kept["written"] = written_by_store(directory).split(warmup)
    return sizes.single / seconds


def _crowd(validate: Any, lots: Lots, round_: Round) -> float:
    sizes = round_.sizes
    directory = round_.directory / "bids.store"
    seconds = stores.propose_all(
        directory, validate, lots(sizes.proposers), sizes.warmup_each, sizes.each
    )
    written = written_by_store(directory)
    round_.kept["written"] = written.split(sizes.proposers * sizes.warmup_each)
    return sizes.proposers * sizes.each / seconds


def _written(round_: Round) -> tuple[Written, Written]:
    return cast("tuple[Written, Written]", round_.kept["written"])


# --- its peers ---------------------------------------------------------------------


def _bare(round_: Round) -> float:
    _, measured = _written(round_)
    return len(measured.lines) / loops.bare_loop(round_.directory, measured.lines)


def _group(same_batches: bool, round_: Round) -> float:
    warmup, measured = _written(round_)
    seconds = loops.group_commit_loop(
        round_.directory, warmup, measured, round_.sizes.proposers, same_batches=same_batches
    )
    return len(measured.lines) / seconds


def _sqlite(lots: Lots, round_: Round) -> float:
    inserts = round_.sizes.inserts
    # As many events in each lot as the store's proposers made there.
    events = [bid for several in zip(*_bids_of(lots, inserts), strict=True) for bid in several]
    return len(events) / databases.sqlite_inserts(round_.directory, events)


def _bids_of(lots: Lots, count: int) -> list[Any]:
    names = list(dict.fromkeys(lots(count)))
    return bids(names, -(-count // len(names)))


def _eventsourcing(round_: Round) -> float:
    (events,) = bids(["lot-1"], round_.sizes.inserts)
    return len(events) / databases.eventsourcing_inserts(round_.directory, events)


def _umadb(clients: int, round_: Round) -> float:
    # As many for each client as one alone appends: else the many would be done at once.
    count = round_.sizes.inserts * (1 if clients == 1 else 4)
    (events,) = bids(["lot-1"], count)
    return len(events) / databases.umadb_appends(round_.directory, events, clients)


# --- the rows ------------------------------------------------------------------------


def _crowd_row(name: str, title: str, validate: Any, lots: Lots, goals: Sequence[Goal]) -> Row:
    return Row(
        name,
        title,
        "events/s",
        (
            Contestant(STORE, partial(_crowd, validate, lots)),
            Contestant(GROUP, partial(_group, True)),
            Contestant(GROUP_OWN, partial(_group, False)),
            Contestant(SQLITE, partial(_sqlite, lots)),
            Contestant(UMADB_MANY, partial(_umadb, 64)),
        ),
        tuple(goals),
    )


ADMISSION_ROWS = (
    Row(
        "single",
        "one proposer, one scope, each result awaited",
        "events/s",
        (
            Contestant(STORE, _single),
            Contestant(BARE, _bare),
            Contestant(SQLITE, partial(_sqlite, one_lot)),
            Contestant(EVENTSOURCING, _eventsourcing),
            Contestant(UMADB_ONE, partial(_umadb, 1)),
        ),
        (at_least(0.5, BARE),),
    ),
    _crowd_row(
        "crowd-async",
        "one scope, 1,000 proposers, async validators with a checkpoint each",
        stores.accept_later,
        one_lot,
        (at_least(0.4, GROUP), at_least(2, SQLITE)),
    ),
    _crowd_row(
        "crowd-plain",
        "one scope, 1,000 proposers, plain functions as validators",
        stores.accept,
        one_lot,
        (at_least(0.5, GROUP), at_least(8, SQLITE)),
    ),
    _crowd_row(
        "scopes-plain",
        "1,000 scopes, one proposer each, plain functions as validators",
        stores.accept,
        own_lots,
        (at_least(6, SQLITE),),
    ),
    _crowd_row(
        "scopes-async",
        "1,000 scopes, one proposer each, async validators with a checkpoint each",
        stores.accept_later,
        own_lots,
        (at_least(3, SQLITE),),
    ),
)


def _store_decisions(round_: Round) -> float:
    sizes = round_.sizes
    directory = round_.directory / "bids.store"
    return stores.decisions_for_each_event(directory, sizes.contenders, sizes.contended)


def _memory_decisions(round_: Round) -> float:
    return optimistic.decisions_in_memory(round_.sizes.contenders, round_.sizes.contended)


def _sqlite_decisions(round_: Round) -> float:
    sizes = round_.sizes
    return optimistic.decisions_in_sqlite(round_.directory, sizes.contenders, sizes.contended)


CONTENTION_ROW = Row(
    "contention",
    "one hot scope, 64 contending proposers, a checkpoint in each decision",
    "decisions per accepted event",
    (
        Contestant(STORE, _store_decisions),
        Contestant(MEMORY_RETRY, _memory_decisions),
        Contestant(SQLITE_RETRY, _sqlite_decisions),
    ),
    (exactly(1),),
)

UPKEEP_ROWS = (
    Row(
        "flat-cost",
        "an admission at event 1,000,000 of a scope against one at event 10, with a fold",
        "times the cost",
        (Contestant(STORE, upkeep.flat_cost),),
        (at_most(1.1),),
    ),
    Row(
        "verify",
        "verify a store",
        "records/s",
        (Contestant(STORE, upkeep.verify_rate),),
        (at_least(200_000),),
    ),
)


# --- rows without a goal ---------------------------------------------------------------


def _latency_row(name: str, title: str, proposers: int | None) -> Row:
    return Row(
        name,
        title,
        "ms",
        (
            Contestant(f"{STORE}, median", partial(upkeep.latency_ms, 0.5, proposers)),
            Contestant(f"{STORE}, 99th percentile", partial(upkeep.latency_ms, 0.99, proposers)),
        ),
    )


INFORMATIVE_ROWS = (
    _latency_row("latency-single", "from proposal to durable result, one proposer", 1),
    _latency_row("latency-crowd", "from proposal to durable result, 1,000 in one scope", None),
    Row(
        "codec",
        "turn one event into JSON, or back",
        "µs",
        (
            Contestant(f"{STORE}, encode", upkeep.encode_us),
            Contestant(f"{STORE}, decode", upkeep.decode_us),
        ),
    ),
    Row(
        "memory",
        "memory of a live scope with one event",
        "bytes",
        (Contestant(STORE, upkeep.live_scope_bytes),),
    ),
)

ROWS = (*ADMISSION_ROWS, CONTENTION_ROW, *UPKEEP_ROWS, *BIG_ROWS, *INFORMATIVE_ROWS)
