"""What a gateway bounds, and by how much."""

from __future__ import annotations

from typing import Any, final

import attrs

from .protocol.server_messages import LimitsShown


def _above_0(instance: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if not value > 0:
        raise ValueError(f"{attribute.name}: expected a number above 0, found {value!r}")


@final
@attrs.frozen(kw_only=True)
class Limits:
    """The limits of a gateway; `open_gateway` takes one."""

    message_bytes: int = attrs.field(default=1024**2, validator=_above_0)
    """The largest message in either direction; four times that closes the connection."""
    page_records: int = attrs.field(default=500, validator=_above_0)
    """How many records a query's page, or a page of the past, has at most."""
    open_requests: int = attrs.field(default=64, validator=_above_0)
    """How many requests a connection may have open."""
    rounds: int = attrs.field(default=64, validator=_above_0)
    """How many rounds a registered validator may take at the same time."""
    connections: int = attrs.field(default=10_000, validator=_above_0)
    """How many connections there may be."""
    connections_by_principal: int = attrs.field(default=1_000, validator=_above_0)
    """How many of them one principal may have."""
    outbox_bytes: int = attrs.field(default=4 * 1024**2, validator=_above_0)
    """How much may wait to be sent to a client before nothing more is read from it."""
    hello_s: float = attrs.field(default=5.0, validator=_above_0)
    """How long a client may take for the handshake, and then for its `hello`."""
    heartbeat_s: float = attrs.field(default=20.0, validator=_above_0)
    """After how long without a word from a client it is asked whether it is there."""
    slow_s: float = attrs.field(default=30.0, validator=_above_0)
    """How long a socket may take nothing before its connection is aborted."""
    shutdown_s: float = attrs.field(default=5.0, validator=_above_0)
    """How long a shutdown waits for clients to take what they are owed."""

    def shown(self, event_bytes: int) -> LimitsShown:
        """The limits that a client should know."""
        return LimitsShown(
            self.message_bytes, event_bytes, self.page_records, self.open_requests, self.rounds
        )
