"""`atomic-store demo --serve`: what it decides, serves, prints and refuses, without a browser."""

from __future__ import annotations

import json
import signal
import socket
import sys
import urllib.request
from pathlib import Path

import pytest
import trio

from atomic_store import open_reader, open_store
from atomic_store.cli.auction import LOT_STATE, Bid, LotEvent, Opened, judge
from atomic_store.cli.live import CENTS_MAX, in_turn, judge_visitor, site
from atomic_store.cli.made_up import make_up
from command_line import atomic_store, called, command, journal_lines, refusal
from served_process import serving

REFUSED_BIDS = [
    (Opened("lot-2", "a cello", 1), "only the house opens lots"),
    (Bid("lot-1", " ", 10_00), "a bid needs a bidder's name"),
    (Bid("lot-1", "ada", CENTS_MAX + 1), "no bid may exceed 1,000,000,000.00"),
    (Bid("lot-1", "ada", 9_99), "the price is 10.00 already"),
    (Bid("lot-9", "ada", 10_00), "this lot is not open"),
]


@pytest.mark.parametrize(("event", "reason"), REFUSED_BIDS)
async def test_visitors_may_only_bid(event: LotEvent, reason: str) -> None:
    """What is no bid, nobody's, without measure or against the rule is refused, and says why."""
    async with open_store(
        ":memory:", events=LotEvent, scope_of=lambda event: event.lot, state=LOT_STATE
    ) as store:
        await store.store_if_valid(Opened("lot-1", "a sextant", 10_00), judge)
        result = await store.store_if_valid(event, judge_visitor)
        highest = await store.store_if_valid(Bid("lot-1", "ada", CENTS_MAX), judge_visitor)

    assert (False, reason) == (result.was_accepted, result.reason)
    assert highest.was_accepted


def test_made_up_bidders_take_turns() -> None:
    """One bid of each, then the next of each, until all have been made."""
    sale = make_up(1, lots=2, bidders=3, bids_per_bidder=2)
    first, second, third = sale.queues

    expected = [first[0], second[0], third[0], first[1], second[1], third[1]]
    assert expected == list(in_turn(sale.queues))
    assert [first[0], second[0], first[1]] == list(in_turn((first, (), second[:1])))


def test_the_page_loads_nothing_that_is_not_there() -> None:
    """Whatever page, style and scripts name is served beside them."""
    files = site().files
    texts = {path: file.content.decode() for path, file in files.items()}

    named = {path for path in files if any(f'"{path}"' in text for text in texts.values())}
    assert set(files) - {"/"} == named
    assert not any("http://" in text.replace("http://www.w3.org/", "") for text in texts.values())


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["SIGTERM", "Ctrl-C"]
)
def test_a_signal_ends_it_quietly(number: signal.Signals, code: int, tmp_path: Path) -> None:
    """The page was served, the store is in order, and stderr says nothing."""
    store = tmp_path / "auction.store"
    more = ("--store", store, "--pace", "0.001")
    with serving(lambda port: command("demo", "--serve", "--port", str(port), *more)) as served:
        with urllib.request.urlopen(served.page, timeout=10) as answer:
            page, policy = answer.read().decode(), answer.headers["Content-Security-Policy"]
        found, stderr = served.end(number)

    assert "<title>The auction</title>" in page
    assert "default-src 'self'" in policy
    assert (code, b"") == (found, stderr.strip())
    assert 0 == atomic_store("verify", store).returncode


def test_made_up_bidders_go_on_after_a_kill(tmp_path: Path) -> None:
    """Started again on the same store, they make what they had not made, and nothing twice."""
    store = tmp_path / "auction.store"
    more = ("--store", store, "--seed", "3", "--bidders", "3", "--bids-per-bidder", "6")
    serve = ("--serve", "--pace", "0.02", *more)

    def stored() -> list[str]:
        return [json.loads(line)["id"] for line in journal_lines(store)]

    with serving(lambda port: command("demo", "--port", str(port), *serve)) as served:
        wait_for(9, store)
        served.end()
        before = stored()
        served.start()
        wait_for(len(before) + 3, store)
        served.end(signal.SIGTERM)
    after = stored()

    assert before == after[: len(before)]
    assert len(set(after)) == len(after)
    queues = make_up(3, lots=5, bidders=3, bids_per_bidder=6).queues
    ids = {str(one.id) for queue in queues for one in queue}
    assert set(after[5:]) <= ids


def wait_for(count: int, store: Path) -> None:
    """Wait until a store holds so many records."""

    async def wait() -> None:
        with trio.fail_after(30):
            async with open_reader(store) as reader, reader.subscribe() as feed:
                async for item in feed:
                    if item.position >= count:
                        return

    trio.run(wait)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--pace", "1"], "--pace is for an auction that is served: expected it with --serve"),
        (["--host", "::1"], "--host is for an auction that is served: expected it with --serve"),
        (["--serve", "--host", "0.0.0.0"], "--host: expected the address by which browsers call "),
        (["--serve", "--host", "192.0.2.7"], "--host 192.0.2.7 lets in whoever reaches it, "),
    ],
)
def test_options_that_would_mean_nothing_are_refused(
    arguments: list[str], complaint: str, tmp_path: Path
) -> None:
    """They say what was expected, and make no store."""
    run = atomic_store("demo", "--store", tmp_path / "a.store", *arguments)

    assert refusal(run).startswith(f"atomic-store: {complaint}")
    assert (2, []) == (run.returncode, list(tmp_path.iterdir()))


def test_without_the_gateways_packages_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the command line needs none of them."""
    for name in [name for name in sys.modules if name.startswith("atomic_store.gateway.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "atomic_store.cli.live", raising=False)
    monkeypatch.setitem(sys.modules, "trio_websocket", None)
    run = called("demo", "--store", tmp_path / "a.store", "--serve")

    assert refusal(run).startswith(
        "atomic-store: --serve: expected the gateway's packages, found no trio_websocket: pip "
    )
    assert 2 == run.returncode


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    """Exit 2, in one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = atomic_store("demo", "--store", tmp_path / "a.store", "--serve", "--port", str(port))

    assert "atomic-store: Address already in use\n" == refusal(run)
    assert 2 == run.returncode
