"""`atomic-store.js`: what it says, how it comes back, when it stops; in Chromium and in Node."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from playwright.sync_api import Browser

from atomic_store.gateway.protocol.codes import FINAL_CLOSES, CloseCode
from browsers import open_chromium, run_in_chromium, run_in_node
from served_process import ServedProcess, serving

PROGRAM = Path(__file__).parent / "serving_process.py"
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

Run: TypeAlias = Callable[[str], Any]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with open_chromium() as browser:
        yield browser


@pytest.fixture
def run_alone(tmp_path: Path) -> Run:
    """Runs a scenario that needs no gateway, in Node."""
    return lambda name: run_in_node(name, "", lambda word: word, tmp_path)


@pytest.fixture(params=["chromium", "node"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Run]:
    """Runs a scenario with a gateway of its own, where JavaScript runs."""
    store = tmp_path / "a.store"
    with serving_at(store) as served:
        yield lambda name: run_where(
            request, name, served, tmp_path, lambda word: done(word, served, store)
        )


def serving_at(store: Path) -> AbstractContextManager[ServedProcess]:
    """Run a gateway on a store."""
    return serving(lambda port: [sys.executable, str(PROGRAM), str(store), str(port)])


def run_where(
    request: pytest.FixtureRequest, name: str, served: ServedProcess, place: Path,
    do: Callable[[str], str],
) -> Any:  # fmt: skip
    """Run a scenario in Chromium or in Node."""
    if request.param == "node":
        folder = place / "node"
        folder.mkdir()
        return run_in_node(name, served.url, do, folder)
    browser = request.getfixturevalue("chromium")
    return run_in_chromium(name, f"{served.page}page.html", served.url, do, browser)


def done(word: str, served: ServedProcess, store: Path) -> str:
    """Do to the gateway what a scenario asks for."""
    match word:
        case "kill":
            served.end()
        case "start":
            served.start()
        case "replace":
            served.end()
            shutil.rmtree(store)
            served.start()
        case _:
            raise AssertionError(f"expected something that can be done, found {word}")
    return word


def test_talks_with_a_gateway(run: Run) -> None:
    """It proposes, decides, lets others decide, asks, follows and watches."""
    found = run("talks")

    accepted = ["accepted", "", None]
    assert [accepted, ["rejected", "500 was bidden", None], accepted] == found["outcomes"]
    assert [{"note": 1}, [[801, [1, 2]], [802, [2, 2]]]] == found["instead"]
    assert [["accepted", n] for n in (1, 1, 2, 3)] == found["others"]
    assert [
        ["car/1", "local", 0], ["car/1", "local", 1], ["car/1", "local", 2], ["car/2", "local", 0],
    ] == found["shown"]  # fmt: skip
    assert "no_validator" == found["nobody"]
    assert [[2, False], [1, True]] == found["pages"]
    assert [103] == found["back"]
    assert [500, 700, 801, 802] == found["iterated"]
    assert [["lot/1", 4], ["lot/2", 1]] == found["scopes"]
    assert "closed" == found["afterwards"]


def test_watches_more_scopes_than_come_at_a_time(run: Run) -> None:
    """All scopes are told first, however many there are; then those that change."""
    assert [1_050, True] == run("manyScopes")


def test_says_why_something_failed(run: Run) -> None:
    """Refusals, one's own mistakes and the end of the client reach whoever waits."""
    found = run("fails")

    assert [
        "bad_filter", "bad_filter", "bad_message", "invalid_event", "mistaken", "too_large",
        "bigint", "mistaken, too", "closed",
    ] == found["codes"]  # fmt: skip
    assert "accepted" == found["outcome"]
    assert 150 == found["many"]


def test_comes_back_after_kill_9(run: Run) -> None:
    """The gateway is killed twice: every proposal has one result, every record is seen once."""
    found = run("reconnects")

    everything = list(range(1, 61))
    assert 60 == found["accepted"]
    assert everything == found["seen"]
    assert everything == found["iterated"]
    assert everything == found["stored"]
    assert 60 == found["each"]
    assert found["asked"]
    assert 3 == found["opened"]


def test_begins_anew_with_another_history(run: Run) -> None:
    """Another store at the same address: it is told, or fails where nobody wants to be."""
    found = run("resets")

    assert {"seen": [1, 2, 3], "end": "reset", "resets": 1, "isOther": True} == found


def test_stops_where_coming_back_is_no_use(run_alone: Run) -> None:
    """It stops after the codes that the protocol calls final, and all else that begins with 44."""
    found = run_alone("obeysCloses")

    unknown = {4499}
    final = {int(close) for close, status in found.items() if status == "closed"}
    assert {int(close) for close in FINAL_CLOSES} | unknown == final
    assert {int(close) for close in CloseCode} <= {int(close) for close in found}
    assert {"closed", "waiting"} == set(found.values())


def test_waits_longer_each_time(run_alone: Run) -> None:
    """Back-off doubles up to ten seconds; goodbye is heeded; silence ends a connection."""
    found = run_alone("waits")

    assert [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000] == found["waited"]
    assert 1700 == found["afterGoodbye"]
    assert 10_000 == found["silentWhileConnecting"]
    assert (50_000, 1000) == (found["silent"], found["dropped"])
    assert [{"type": "hello", "token": "t", "client": "c"}] == found["sent"]
    assert "atomic-store.v1" == found["protocol"]
    assert 0 == found["timers"]


def test_asks_again_what_has_no_answer(run_alone: Run) -> None:
    """
    On a new connection it asks what is unanswered, under new ids, and follows on.

    No more than the gateway takes at once, and nothing that was seen is shown again.
    """
    found = run_alone("asksAgain")

    assert [["subscribe", None], ["propose", None], ["query", None]] == found["atOnce"]
    assert [["query", 2], ["query", 3]] == found["later"]
    assert ([5, 6, 7], 9) == (found["seen"], found["position"])
    assert [
        ["subscribe", 6, 9, "s-1"], ["propose", 7, 0, None], ["query", 8, 0, None],
    ] == found["again"]  # fmt: skip
    assert UUID4.fullmatch(found["ids"][0])
    assert found["ids"][0] == found["ids"][1]
    assert 2 == found["sockets"]
    assert found["duplicate"]
    assert {"records": [], "next": None} == found["nextPages"]
    assert ["none", "closed", "closed"] == found["ends"]


def test_decides_only_upon_the_whole_past(run_alone: Run) -> None:
    """A round whose past it lacks is asked for again; what came too late is nobody's fault."""
    found = run_alone("decidesWhatIsLacking")

    assert [["need", 0], ["decide", True]] == found["sent"]
    assert [[[7, 9], 2]] == found["seen"]
    assert ("invalid_event", "unsubscribe") == (found["end"], found["last"])


def test_ids_are_uuids_everywhere(run_alone: Run) -> None:
    """Also where a page, not having come over TLS, has no `crypto.randomUUID`."""
    ids = run_alone("makesIds")

    assert 201 == len(set(ids))
    assert [] == [id_ for id_ in ids if not UUID4.fullmatch(id_)]
