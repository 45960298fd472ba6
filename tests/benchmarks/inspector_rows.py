"""The rows about the inspector."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import cast

from .gateway.measuring import GATEWAY, server
from .grown import grown_store
from .runner import STORE, Contestant, Round, Row, at_least, at_most
from .sizes import FULL

_LARGEST = len(FULL.grown) - 1
EMPTY = "an empty Textual app"
NOBODY = "atomic_store, nobody follows"
RATE = 10_000
"""So many records a second are followed."""


def _command(what: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.benchmarks.inspecting", what, *arguments]


def _ask(round_: Round, what: str, *arguments: str) -> dict[str, float]:
    """Run the inspector in a process of its own; gives the figures that it prints."""
    # As where it was installed: modules were compiled once.
    compiled = {
        **os.environ, "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(round_.shared.absolute() / "compiled"),
    }  # fmt: skip
    done = subprocess.run(
        _command(what, *arguments), cwd=_root(), stdout=subprocess.PIPE, check=True, env=compiled
    )
    return cast("dict[str, float]", json.loads(done.stdout))


def _root() -> Path:
    return Path(__file__).parents[2]


def _store(round_: Round) -> str:
    return str(grown_store(round_, _LARGEST).absolute())


def _first_s(round_: Round) -> float:
    store = _store(round_)
    return _ask(round_, "first", str(time.time()), store)["seconds"]


def _empty_s(round_: Round) -> float:
    return _ask(round_, "empty", str(time.time()))["seconds"]


def _more_s(round_: Round) -> float:
    """How much longer the inspector takes than an empty app, one behind the other."""
    # Once before, so that all is compiled.
    _empty_s(round_)
    _first_s(round_)
    return _first_s(round_) - _empty_s(round_)


def _pages_ms(which: str, round_: Round) -> float:
    if "pages" not in round_.kept:
        round_.kept["pages"] = _ask(round_, "pages", _store(round_))
    found: float = round_.kept["pages"][which]
    return found


def _hits_s(round_: Round) -> float:
    return _ask(round_, "hits", _store(round_))["seconds"]


def _memory_mb(round_: Round) -> float:
    return _ask(round_, "memory", _store(round_))["mb"]


@contextmanager
def _following(port: int) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        _command("following", f"ws://127.0.0.1:{port}/"), cwd=_root(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        yield process


def _paced(round_: Round, *, is_followed: bool) -> dict[str, float]:
    """Have records admitted at an even pace while the inspector follows, or does not."""
    count = int(round_.sizes.paced_s * RATE)
    with server(GATEWAY, round_) as serving:
        serving.ask("pace", records=RATE, rate=RATE)
        if not is_followed:
            return {"rate": _rate(serving.ask("pace", records=count, rate=RATE)["durable_at"])}
        with _following(serving.options["port"]) as process:
            rate = _rate(serving.ask("pace", records=count, rate=RATE)["durable_at"])
            found, _ = process.communicate("\n")
        figures = cast("dict[str, float]", json.loads(found))
        return {"rate": rate, "pause": figures["milliseconds"]}


def _rate(durable_at: list[float]) -> float:
    return (len(durable_at) - 1) / (durable_at[-1] - durable_at[0])


def _pause_ms(round_: Round) -> float:
    return _paced(round_, is_followed=True)["pause"]


def _writer_rate(is_followed: bool, round_: Round) -> float:
    return _paced(round_, is_followed=is_followed)["rate"]


INSPECTOR_ROWS = (
    Row("first-screen", "to a first screen, of 5,000,000 events in 100,000 scopes, more than an "
        "empty Textual app", "s",
        (Contestant(STORE, _more_s), Contestant(f"{STORE}, all of it", _first_s),
         Contestant(EMPTY, _empty_s)),
        (at_most(0.4),)),
    Row("page", "to turn a page anywhere among 5,000,000 events, 99th percentile", "ms",
        (Contestant(STORE, partial(_pages_ms, "page")),
         Contestant(f"{STORE}, median", partial(_pages_ms, "page_median")),
         Contestant(f"{STORE}, to jump to any position", partial(_pages_ms, "jump"))),
        (at_most(50),)),
    Row("first-hits", "to the first hits of a filter that means 1 event in 100,000, of 5,000,000",
        "s", (Contestant(STORE, _hits_s),), (at_most(0.2),)),
    Row("inspector-memory", "anonymous memory with 5,000,000 events in 100,000 scopes", "MB",
        (Contestant(STORE, _memory_mb),), (at_most(150),)),
    Row("inspector-pause", f"the longest pause while {RATE:,} records/s are followed", "ms",
        (Contestant(STORE, _pause_ms),), (at_most(100),)),
    Row("inspected", f"admissions while the inspector follows, {RATE:,} records/s proposed",
        "events/s",
        (Contestant(STORE, partial(_writer_rate, True)),
         Contestant(NOBODY, partial(_writer_rate, False))),
        (at_least(0.95, NOBODY),)),
)  # fmt: skip
