"""Figures for Prometheus."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import Any

import attrs
import prometheus_client
import pytest
from prometheus_client.parser import text_string_to_metric_families

from atomic_store import StoreStatistics
from atomic_store.gateway.stream.metrics import Metrics, Refusal, StoreFigures
from source_tree import package

NAMES = [field.name for field in attrs.fields(StoreStatistics)]
NUMBERS: dict[str, Any] = {name: number for number, name in enumerate(NAMES, 1)}
STATISTICS = StoreStatistics(**NUMBERS)


def metrics() -> Metrics:
    """The figures of a gateway whose store stands still."""
    return Metrics(lambda: StoreFigures(1042, STATISTICS))


def figures(of: Metrics) -> dict[str, float]:
    """All figures by name and labels, without when they were begun."""
    content_type, text = of.render()
    assert content_type.startswith("text/plain; version=")
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def changed(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """The gateway's figures that are others now, without their common beginning."""
    prefix = "atomic_store_gateway_"
    return {
        name.removeprefix(prefix): value
        for name, value in after.items()
        if name.startswith(prefix) and before.get(name, 0.0) != value
    }


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ([("connection_opened",)], {"connections_open": 1}),
        ([("connection_opened",), ("connection_closed", 1000)], {"connections_total 1000": 1}),
        ([("connection_opened",), ("connection_closed", None)], {"connections_total 1006": 1}),
        ([("connection_opened",), ("connection_closed", 4508)], {"connections_total 4508": 1}),
        ([("connection_opened",), ("connection_closed", 3999)], {"connections_total other": 1}),
        ([("handshake_refused", Refusal.ORIGIN)], {"handshakes_refused_total origin": 1}),
        ([("message_received", "propose")] * 2, {"messages_received_total propose": 2}),
        ([("message_received", "made up")], {"messages_received_total other": 1}),
        ([("message_received", None)], {"messages_received_total other": 1}),
        ([("message_sent", "records", 20)], {"messages_sent_total records": 20}),
        ([("message_sent", "made up")], {"messages_sent_total other": 1}),
        ([("request_opened",)], {"requests_open": 1}),
        ([("request_opened",), ("request_ended",)], {}),
        ([("round_ended", "timed_out")], {"rounds_total timed_out": 1}),
        ([("round_ended", "made up")], {"rounds_total other": 1}),
        ([("subscribers_changed", 3), ("subscribers_changed", -1)], {"subscribers": 2}),
        ([("slow_subscribers_changed", 1)], {"slow_subscribers": 1}),
        ([("delivered", 20), ("delivered", 5)], {"delivered_records_total": 25}),
    ],
)
def test_what_is_counted(what: list[tuple[Any, ...]], expected: dict[str, float]) -> None:
    """Each thing that happens changes its own figure, and no other."""
    counted = metrics()
    before = figures(counted)

    for name, *arguments in what:
        getattr(counted, name)(*arguments)

    assert expected == changed(before, figures(counted))


def test_bytes() -> None:
    """Bytes are counted by their direction."""
    counted = metrics()
    before = figures(counted)

    counted.bytes_moved(received=5)
    counted.bytes_moved(received=1, sent=70)

    assert {"received_bytes_total": 6, "sent_bytes_total": 70} == changed(before, figures(counted))


def test_the_store() -> None:
    """The store is asked for its figures each time, and not before."""
    asked: list[int] = []

    def store() -> StoreFigures:
        asked.append(len(asked) + 1)
        return StoreFigures(asked[-1], STATISTICS)

    counted = Metrics(store)
    assert [] == asked
    assert [1, 2] == [figures(counted)["atomic_store_position"] for _ in range(2)]

    found = {
        name.removeprefix("atomic_store_"): value
        for name, value in figures(counted).items()
        if not name.startswith("atomic_store_gateway_")
    }
    ends = ("accepted", "rejected", "timed_out", "withdrawn", "raised", "crashed")
    assert {
        "position": 3,
        "records_total": STATISTICS.records,
        "rounds_total": STATISTICS.rounds,
        "duplicates_total": STATISTICS.duplicates,
        "live_scopes": STATISTICS.live_scopes,
        "waiting": STATISTICS.waiting,
        "past_bytes": STATISTICS.past_bytes,
        "commits_total": STATISTICS.commits,
        "commit_seconds 0.5": STATISTICS.commit_p50_s,
        "commit_seconds 0.99": STATISTICS.commit_p99_s,
        "commit_seconds 1": STATISTICS.commit_max_s,
    } | {f"rounds_ended_total {end}": getattr(STATISTICS, end) for end in ends} == found


def test_gateways_count_apart() -> None:
    """Two gateways in one process share nothing, and the global registry knows of neither."""
    one, two = metrics(), metrics()
    one.delivered(7)

    assert 0.0 == figures(two)["atomic_store_gateway_delivered_records_total"]
    assert b"atomic_store" not in prometheus_client.generate_latest()


def test_one_place_knows_prometheus() -> None:
    """Nothing but the metrics imports Prometheus, so that nobody pays for it who has none."""
    importing = {
        name
        for name, module in package().items()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        if "prometheus_client" in ast.unparse(node)
    }
    assert {"atomic_store.gateway.stream.metrics"} == importing

    program = (
        "import sys, atomic_store.gateway.stream.head; print('prometheus_client' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert "False\n" == answer.stdout
