"""The rows about the gateway: subscribers, remote decisions, idle connections."""

from __future__ import annotations

from functools import partial

from .gateway.measuring import (
    AT_ONCE,
    GATEWAY,
    GATEWAY_IN_MEMORY,
    GATEWAY_TLS,
    deliveries,
    growth_of_bytes,
    idle_kb,
    lag_ms,
    remote,
)
from .runner import STORE, Contestant, Goal, Row, at_least, at_most, exactly
from .sizes import FULL

TLS = "atomic_store, TLS"
NO_DISK = "atomic_store, in memory"
BROADCAST = "websockets.broadcast, a message a record"
LOOP = "trio-websocket, send_message in a loop"
ECHO = "trio-websocket, the same messages, nothing behind them"
ONE_SCOPE = "atomic_store, all in one scope"


def _deliveries_row(name: str, many: bool, at_once: int, *goals: Goal) -> Row:
    subscribers = FULL.many_subscribers if many else FULL.few_subscribers
    if at_once == 1:
        commits = "one record a commit"
        kinds = {STORE: GATEWAY, TLS: GATEWAY_TLS, NO_DISK: GATEWAY_IN_MEMORY}
        peers = {BROADCAST: "broadcast"}
    else:
        commits = f"commits of {at_once} records and more"
        kinds = {STORE: GATEWAY, TLS: GATEWAY_TLS}
        peers = {BROADCAST: "broadcast", LOOP: "loop"}
    return Row(
        name,
        f"records to {subscribers:,} subscribers, {commits}",
        "deliveries/s",
        tuple(
            Contestant(title, partial(deliveries, many, kind, at_once))
            for title, kind in (kinds | peers).items()
        ),
        goals,
    )


def _lag_row(rate: int, most_ms: float) -> Row:
    return Row(
        f"lag-{rate}",
        f"from durable to read by {FULL.many_subscribers:,} subscribers, at {rate:,} records/s,"
        " 99th percentile",
        "ms",
        (
            Contestant(STORE, partial(lag_ms, "p99", rate)),
            Contestant(f"{STORE}, median", partial(lag_ms, "median", rate)),
            Contestant(f"{STORE}, from admitted, with the disk", partial(lag_ms, "p99_at", rate)),
        ),
        (at_most(most_ms),),
    )


def _remote_row(name: str, title: str, unit: str, which: str, *goals: Goal) -> Row:
    return Row(
        name,
        f"{title}: {FULL.remote} clients in another process, a scope each",
        unit,
        (
            Contestant(STORE, partial(remote, which, GATEWAY, False)),
            Contestant(ECHO, partial(remote, which, "rounds", False)),
            Contestant(ONE_SCOPE, partial(remote, which, GATEWAY, True)),
        ),
        goals,
    )


GATEWAY_ROWS = (
    _deliveries_row("fan-out-50", False, AT_ONCE, at_least(5, BROADCAST), at_least(10, LOOP)),
    _deliveries_row("fan-out-1000", True, AT_ONCE, at_least(5, BROADCAST), at_least(10, LOOP)),
    _deliveries_row("fan-out-50-single", False, 1, at_least(1, BROADCAST)),
    _deliveries_row("fan-out-1000-single", True, 1, at_least(1, BROADCAST)),
    _lag_row(500, 50),
    _lag_row(1_000, 100),
    _remote_row(
        "remote", "proposed, decided and durable over the wire", "rounds/s", "rate",
        at_least(0.3, ECHO),
    ),
    _remote_row("remote-median", "such a round, median", "ms", "median_ms"),
    _remote_row("remote-p99", "such a round, 99th percentile", "ms", "p99_ms"),
    Row("idle", f"memory for an idle connection, of {FULL.idle:,}", "kB",
        (Contestant(STORE, partial(idle_kb, GATEWAY)),
         Contestant(TLS, partial(idle_kb, GATEWAY_TLS)),
         Contestant("trio-websocket", partial(idle_kb, "loop")),
         Contestant("websockets", partial(idle_kb, "broadcast"))),
        (at_most(60),)),
    Row("remote-bytes",
        f"bytes on the wire to decide event {FULL.remote_past:,} of a scope against event 10, of a"
        " client that is up to date", "times",
        (Contestant(STORE, partial(growth_of_bytes, True)),
         Contestant(f"{STORE}, digits and all", partial(growth_of_bytes, False))),
        (exactly(1),)),
)  # fmt: skip
