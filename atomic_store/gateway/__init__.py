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

__all__ = [
    "Client",
    "ConnectionLost",
    "GatewayClosed",
    "GatewayError",
    "RemoteFeed",
    "RemoteRequest",
    "ScopesFeed",
    "open_client",
]
