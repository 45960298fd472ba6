"""
The client: a store behind a gateway, with the store's own vocabulary.

In this room: the pure rules of a conversation (`conversation`, `calls`, `following`,
`pasts`, `backoff`, `wire`), the Trio shell around them (`link`, `websocket`, `box`), and what users
hold (`client`, `opening` and what they give).
"""

from __future__ import annotations

from .client import Client
from .considering import RemoteRequest
from .errors import ConnectionLost, GatewayClosed, GatewayError
from .feed import RemoteFeed, ScopesFeed
from .link import Outage
from .opening import open_client

__all__ = [
    "Client",
    "ConnectionLost",
    "GatewayClosed",
    "GatewayError",
    "Outage",
    "RemoteFeed",
    "RemoteRequest",
    "ScopesFeed",
    "open_client",
]
