"""The rows about reading: filters, look-ups, and following from another process."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import trio

from .databases import NotRun
from .grown import RARE_BIDDER, ask_process, grown_store
from .runner import STORE, Contestant, Round, Row, at_least, at_most
from .sizes import FULL
from .stores import accept, bid_store, fill
from .workload import bid

_LARGEST = len(FULL.grown) - 1
GREP = "grep -c, the filter's text in the segments"
JQ = "jq, one segment"
SQLITE_JSON = "sqlite3, json_extract, no index on it"
NO_READER = "atomic_store, nobody follows"
COMPUTING = "atomic_store, the other one only computes"
_SQLITE_ROWS = 200_000
_RARE = f'data.bidder = "{RARE_BIDDER}"'
_PROPOSERS = 100


def _segments(round_: Round) -> list[Path]:
    return sorted((grown_store(round_, _LARGEST) / "journal").glob("*.jsonl"))


def _filter(where: str, round_: Round) -> float:
    store = grown_store(round_, _LARGEST)
    return FULL.grown[_LARGEST] / ask_process("filtered", store, where)["seconds"]


def _grep(round_: Round) -> float:
    began = time.perf_counter()
    command = ["grep", "-c", f'"bidder":"{RARE_BIDDER}"', *map(str, _segments(round_))]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    return FULL.grown[_LARGEST] / (time.perf_counter() - began)


def _jq(round_: Round) -> float:
    segment = _segments(round_)[0]
    if shutil.which("jq") is None:
        raise NotRun("jq is not installed")
    lines = segment.read_bytes().count(b"\n")
    began = time.perf_counter()
    command = ["jq", "-c", f'select(.data.bidder=="{RARE_BIDDER}")', str(segment)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return lines / (time.perf_counter() - began)


def _sqlite_json(round_: Round) -> float:
    with closing(sqlite3.connect(round_.directory / "filter.sqlite")) as database:
        database.execute("CREATE TABLE records (data TEXT)")
        database.executemany("INSERT INTO records VALUES (?)", _data(round_))
        database.commit()
        began = time.perf_counter()
        query = "SELECT count(*) FROM records WHERE json_extract(data, '$.bidder') = ?"
        database.execute(query, (RARE_BIDDER,)).fetchone()
        return _SQLITE_ROWS / (time.perf_counter() - began)


def _data(round_: Round) -> Iterator[tuple[str]]:
    left = _SQLITE_ROWS
    for segment in _segments(round_):
        for line in segment.read_text("utf-8").splitlines():
            if line.startswith('{"position"') and left:
                left -= 1
                yield (json.dumps(json.loads(line)["data"], separators=(",", ":")),)


def _lookup(kind: str, round_: Round) -> float:
    if "lookups" not in round_.kept:
        round_.kept["lookups"] = ask_process("lookups", grown_store(round_, _LARGEST))
    found: float = round_.kept["lookups"][kind]
    return found


def _lookup_row(kind: str, title: str) -> Row:
    contestant = Contestant(STORE, partial(_lookup, kind))
    return Row(
        f"lookup-{kind}", f"{title}, of 5,000,000 events", "ms", (contestant,), (at_most(5),)
    )


# --- following -------------------------------------------------------------------------


@contextmanager
def _beside(what: str, store: Path, argument: object) -> Iterator[subprocess.Popen[str]]:
    """Another process, which follows a store or computes; it is ready when the block begins."""
    command = [sys.executable, "-m", "tests.benchmarks.alone", what, str(store), str(argument)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process


def _behind_ms(which: str, round_: Round) -> float:
    """Propose at an even pace; gives how far behind another process sees it."""
    store, count = (round_.directory / "bids.store").absolute(), round_.sizes.single

    async def main() -> float:
        async with bid_store(store) as opened:
            with _beside("following", store, count) as process:
                for cents in range(count):
                    await opened.store_if_valid(bid("lot-1", 1, cents), accept)
                    await trio.sleep(0.002)
                out, _ = process.communicate()
            figures: dict[str, float] = json.loads(out)
            return figures[which]

    return trio.run(main)


def _followed_rate(beside: str | None, round_: Round) -> float:
    """Propose as fast as can be, beside another process or alone; gives events a second."""
    each = round_.sizes.each * 30
    store, count = (round_.directory / "bids.store").absolute(), _PROPOSERS * each
    argument = round_.kept["share"] if beside == "computing" else count

    async def main() -> float:
        async with bid_store(store) as opened:
            lots = [f"lot-{k}" for k in range(_PROPOSERS)]
            if beside is None:
                return await fill(opened, lots, each)
            with _beside(beside, store, argument) as process:
                seconds = await fill(opened, lots, each)
                out, _ = process.communicate("\n")
                round_.kept |= json.loads(out)
                return seconds

    return count / trio.run(main)


READING_ROWS = (
    Row("filter", "a filter that means 1 record in 100,000, over 5,000,000", "records/s",
        (Contestant(STORE, partial(_filter, _RARE)), Contestant(GREP, _grep), Contestant(JQ, _jq),
         Contestant(SQLITE_JSON, _sqlite_json)), (at_least(1_000_000),)),
    Row("filter-slow", "a filter that no byte string helps: `data.cents < 0`", "records/s",
        (Contestant(STORE, partial(_filter, "data.cents < 0")),)),
    _lookup_row("position", "one record by position"),
    _lookup_row("last", "the last 50 of a scope"),
    _lookup_row("id", "what became of a proposal, by its id"),
    _lookup_row("time", "the first record from a time on"),
    Row("following", "a record is seen in another process, after it was admitted, 99th percentile",
        "ms", (Contestant(STORE, partial(_behind_ms, "p99_ms")),
               Contestant(f"{STORE}, median", partial(_behind_ms, "median_ms"))), (at_most(50),)),
    Row("followed", "admissions while another process follows, 100 scopes", "events/s",
        (Contestant(STORE, partial(_followed_rate, "following")),
         Contestant(COMPUTING, partial(_followed_rate, "computing")),
         Contestant(NO_READER, partial(_followed_rate, None))), (at_least(0.95, NO_READER),)),
)  # fmt: skip
