"""The gateway: any WebSocket client proposes, decides, queries and follows."""

from __future__ import annotations

from .client import (
    Client,
    ConnectionLost,
    GatewayClosed,
    GatewayError,
    RemoteFeed,
    RemoteRequest,
    ScopesFeed,
    open_client,
)
from .protocol.server_messages import LimitsShown, ScopeShown, Welcome

__all__ = [
    "Client",
    "ConnectionLost",
    "GatewayClosed",
    "GatewayError",
    "LimitsShown",
    "RemoteFeed",
    "RemoteRequest",
    "ScopeShown",
    "ScopesFeed",
    "Welcome",
    "open_client",
]
