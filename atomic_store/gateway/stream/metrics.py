"""
What a gateway does, in figures for Prometheus.

Nothing that a client chooses is a label: no scope, no principal, no token, and what stands for
any number or name that it could make up is `other`. Otherwise a client could have the gateway
keep as many series as it likes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final, TypeAlias, final

import attrs
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge
from prometheus_client import generate_latest as _generate
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ...status import StoreStatistics
from ..protocol import client_messages, server_messages
from ..protocol.codes import CloseCode

OTHER: Final = "other"

Counters: TypeAlias = Mapping[str | None, Counter]
"""One for each value of a label, `OTHER` among them."""

_CODES: Final = frozenset({int(code) for code in CloseCode} | {1002, 1003, 1005, 1006, 1007, 1011})
_CLIENT_TYPES: Final = frozenset(client_messages.ALL)
_SERVER_TYPES: Final = frozenset(str(kind.__struct_config__.tag) for kind in server_messages.KINDS)
_OUTCOMES: Final = frozenset({"accepted", "rejected", "timed_out", "withdrawn", "ended"})


class Refusal(StrEnum):
    """Why a handshake came to nothing."""

    BAD_REQUEST = "bad_request"
    TIMEOUT = "timeout"
    TOO_MANY = "too_many"
    HOST = "host"
    ORIGIN = "origin"
    PROXIED = "proxied"
    SUBPROTOCOL = "subprotocol"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    SHUTTING_DOWN = "shutting_down"


@final
@attrs.frozen
class StoreFigures:
    """What the store says of itself when it is asked."""

    position: int
    """Of the last record that is durable."""
    statistics: StoreStatistics


@final
@attrs.define(eq=False)
class Metrics:
    """
    The figures of one gateway, in a registry of its own.

    Every method is plain, and cheap beside a message.

    Args:
      store: what the store says of itself; called for each `render`.
    """

    _store: Callable[[], StoreFigures]
    registry: CollectorRegistry = attrs.field(factory=CollectorRegistry, init=False)
    _families: _Families = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._families = _Families(self.registry)
        self.registry.register(_StoreCollector(self._store))

    def render(self) -> tuple[str, bytes]:
        """Give all figures as Prometheus reads them: the content type, and the text."""
        return CONTENT_TYPE_LATEST, _generate(self.registry)

    def connection_opened(self) -> None:
        """Count a WebSocket that was accepted."""
        self._families.connections_open.inc()

    def connection_closed(self, code: int | None) -> None:
        """Count its end; by None, if it was lost without a code."""
        self._families.connections_open.dec()
        shown = OTHER if code is not None and code not in _CODES else str(code or 1006)
        self._families.connections.labels(shown).inc()

    def handshake_refused(self, reason: Refusal) -> None:
        """Count a connection, or a request for one, that was turned away."""
        self._families.refused.labels(reason.value).inc()

    def message_received(self, type_: str | None) -> None:
        """Count a client's message; None or a type that there is not is `other`."""
        _counter_of(type_, self._families.received).inc()

    def message_sent(self, type_: str, count: int = 1) -> None:
        """Count messages of a type that were sent."""
        _counter_of(type_, self._families.sent).inc(count)

    def bytes_moved(self, *, received: int = 0, sent: int = 0) -> None:
        """Count bytes of clients' connections."""
        self._families.bytes_received.inc(received)
        self._families.bytes_sent.inc(sent)

    def request_opened(self) -> None:
        """Count a request that is open from now on."""
        self._families.requests_open.inc()

    def request_ended(self) -> None:
        """Count the end of one."""
        self._families.requests_open.dec()

    def round_ended(self, outcome: str) -> None:
        """Count a proposal that has its result, by its outcome."""
        _counter_of(outcome, self._families.rounds).inc()

    def subscribers_changed(self, by: int) -> None:
        """Count subscriptions that began, or ended if it is below 0."""
        self._families.subscribers.inc(by)

    def slow_subscribers_changed(self, by: int) -> None:
        """Count subscriptions that have fallen behind, or caught up if it is below 0."""
        self._families.slow_subscribers.inc(by)

    def delivered(self, records: int) -> None:
        """Count records that were sent to subscribers, each as often as it was sent."""
        self._families.delivered.inc(records)


def _counter_of(name: str | None, counters: Counters) -> Counter:
    return counters[name if name in counters else OTHER]


@final
class _Families:
    """What Prometheus keeps for a gateway."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(f"atomic_store_gateway_{name}", what, labels, registry=registry)

        def counters(name: str, what: str, label: str, values: frozenset[str]) -> Counters:
            # All at once: looking for the one that is meant takes longer than to count.
            family = counter(name, what, label)
            return {value: family.labels(value) for value in (*sorted(values), OTHER)}

        def gauge(name: str, what: str) -> Gauge:
            return Gauge(f"atomic_store_gateway_{name}", what, registry=registry)

        self.connections_open = gauge("connections_open", "WebSockets that are open.")
        self.connections = counter("connections", "WebSockets that were closed.", "code")
        self.refused = counter("handshakes_refused", "Connections turned away.", "reason")
        self.received = counters(
            "messages_received", "Messages from clients.", "type", _CLIENT_TYPES
        )
        self.sent = counters("messages_sent", "Messages to clients.", "type", _SERVER_TYPES)
        self.bytes_received = counter("received_bytes", "Bytes from clients.")
        self.bytes_sent = counter("sent_bytes", "Bytes to clients.")
        self.requests_open = gauge("requests_open", "Requests that are open.")
        self.rounds = counters("rounds", "Proposals that have their result.", "outcome", _OUTCOMES)
        self.subscribers = gauge("subscribers", "Subscriptions that are open.")
        self.slow_subscribers = gauge("slow_subscribers", "Subscriptions that are behind.")
        self.delivered = counter("delivered_records", "Records sent to subscribers.")


_STORE_GAUGES: Final[Mapping[str, tuple[str, Callable[[StoreFigures], int]]]] = {
    "position": ("The last record's position.", lambda f: f.position),
    "live_scopes": ("Scopes that have an actor now.", lambda f: f.statistics.live_scopes),
    "waiting": ("Proposals that wait their turn.", lambda f: f.statistics.waiting),
    "past_bytes": ("Size of events kept for validators.", lambda f: f.statistics.past_bytes),
}
_STORE_COUNTERS: Final[Mapping[str, tuple[str, Callable[[StoreFigures], int]]]] = {
    "records": ("Records admitted since it was opened.", lambda f: f.statistics.records),
    "rounds": ("Rounds since it was opened.", lambda f: f.statistics.rounds),
    "duplicates": ("Answers with what was there.", lambda f: f.statistics.duplicates),
    "commits": ("Commits since it was opened.", lambda f: f.statistics.commits),
}
_COMMIT_TIMES: Final = {"0.5": "commit_p50_s", "0.99": "commit_p99_s", "1": "commit_max_s"}
_ENDS: Final = ("accepted", "rejected", "timed_out", "withdrawn", "raised", "crashed")


@final
@attrs.frozen(eq=False)
class _StoreCollector(Collector):
    """Asks the store when it is asked itself."""

    _store: Callable[[], StoreFigures]

    def collect(self) -> Iterable[Metric]:
        figures = self._store()
        for name, (what, figure) in _STORE_GAUGES.items():
            yield GaugeMetricFamily(f"atomic_store_{name}", what, figure(figures))
        for name, (what, figure) in _STORE_COUNTERS.items():
            yield CounterMetricFamily(f"atomic_store_{name}", what, figure(figures))
        ended = CounterMetricFamily(
            "atomic_store_rounds_ended", "Rounds, by how they ended.", labels=["outcome"]
        )
        for outcome in _ENDS:
            ended.add_metric([outcome], getattr(figures.statistics, outcome))
        yield ended
        commits = GaugeMetricFamily(
            "atomic_store_commit_seconds", "How long the last commits took.", labels=["quantile"]
        )
        for quantile, name in _COMMIT_TIMES.items():
            if (seconds := getattr(figures.statistics, name)) is not None:
                commits.add_metric([quantile], seconds)
        yield commits

    def describe(self) -> Iterable[Metric]:
        """Say nothing yet: registering must not ask the store."""
        return ()
