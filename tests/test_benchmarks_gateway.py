"""The benchmarks of the gateway run, and count right what comes over the wire."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from atomic_store.gateway.stream import frames
from benchmarks.gateway.peers import RECORDS, RESULT, VALIDATE
from benchmarks.gateway.processes import helper
from benchmarks.gateway.readers import MARK, Reader, Readers
from benchmarks.gateway.wire import Client
from benchmarks.gateway_rows import GATEWAY_ROWS
from benchmarks.runner import Row, run
from benchmarks.sizes import FULL, TINY

TWINS = {"fan-out-1000", "fan-out-1000-single", "lag-1000", "remote-median", "remote-p99"}
"""Rows that do what another one does, with another number, or look at another figure."""


@pytest.mark.parametrize(
    "row", [row for row in GATEWAY_ROWS if row.name not in TWINS], ids=lambda row: row.name
)
def test_row_runs(row: Row, tmp_path: Path) -> None:
    """Every contestant of every row runs at a tiny size and gives a positive figure."""
    (measured,) = run([row], TINY, 1, tmp_path)

    assert {} == measured.not_run
    assert all(value > 0 for (value,) in measured.figures.values())
    assert [] == list(tmp_path.iterdir())


def test_figures_of_the_same_work(tmp_path: Path) -> None:
    """What one client needs for a round does not grow with the scope, but for digits."""
    (row,) = [row for row in GATEWAY_ROWS if row.name == "remote-bytes"]
    (measured,) = run([row], attrs.evolve(TINY, remote_past=1_000), 1, tmp_path)
    ours, all_digits = measured.figures.values()

    assert [1] == ours
    assert 1 < all_digits[0] < 1.1


def test_full_sizes_are_the_titles() -> None:
    """The sizes that rows are named after are the full ones."""
    names = {row.name for row in GATEWAY_ROWS}

    assert {
        f"fan-out-{count}" for count in (FULL.few_subscribers, FULL.many_subscribers)
    } <= names  # fmt: skip


def test_peers_say_the_same() -> None:
    """What peers send is as long as what the gateway does: a record takes 250 bytes."""
    (_, record) = RECORDS.split("[", 1)

    assert 240 <= len(record) <= 260
    assert 1 == RECORDS.count(MARK)
    assert "validate" in VALIDATE
    assert "$decided_by" in RESULT


def test_a_process_that_ends() -> None:
    """A process that cannot go on is not waited for."""
    with helper("readers", 1, None) as readers:
        with pytest.raises(RuntimeError, match="ended with 1"):
            readers.ask("subscribe", count=1)


@pytest.fixture
def wire() -> Iterator[tuple[socket.socket, Client]]:
    """A server's end of a connection, and its client."""
    server, client = socket.socketpair()
    with server, client:
        yield server, Client(client)


def test_frames_in_any_parts(wire: tuple[socket.socket, Client]) -> None:
    """Messages come out whole, however they are parted, and pings between them do not."""
    server, client = wire
    long = b"x" * 70_000
    sent = frames.text_start(b"ab") + frames.ping_frame() + frames.continuation(b"c")
    sent += frames.text_frame(long) + frames.text_frame(b"d" * 200)
    heard = []
    for size in (1, 2, 3, 5, len(sent)):
        for begin in range(0, len(sent) if size == len(sent) else 100, size):
            server.sendall(sent[begin : begin + size])
            heard += client.hear()
        if size != len(sent):
            server.sendall(sent[begin + size :])
        while len(heard) < 3:
            heard += client.hear()
        assert [b"abc", long, b"d" * 200] == heard
        heard.clear()


def test_counting_records_that_are_cut(wire: tuple[socket.socket, Client]) -> None:
    """A mark is counted once, wherever the bytes that hold it are cut."""
    server, client = wire
    readers, reader = Readers(0, None), Reader(client, 0)
    sent = (b'{"note":"n' + MARK.encode() + b'"},') * 7
    for size in range(1, 40):
        found = 0
        for begin in range(0, len(sent), size):
            server.sendall(sent[begin : begin + size])
            found += readers._receive(reader)
        assert 7 == found


def test_how_late() -> None:
    """A record counts for each reader, from its own time on."""
    readers: Any = Readers(0, None)
    readers._readers = {1: None, 2: None}
    at = b'{"at":"1970-01-01T00:00:0%d.000000Z"}'
    readers._kept += at % 1 + at % 2
    # The first one reads both at once, the second one after the other.
    readers._stamps = [(2.5, 0, 2), (2.1, 1, 1), (2.7, 1, 1)]

    found = readers.lag(durable_at=[2.0, 2.4])

    # 0.5, 0.1; 0.1, 0.3 behind durable; 1.5, 0.5; 1.1, 0.7 behind `at`.
    assert [100.1, 500.1, 1500.1] == [
        pytest.approx(found[name], abs=0.11) for name in ("median", "p99", "p99_at")
    ]
