"""
The gateway: any WebSocket client proposes, decides, queries and follows.

It needs what `pip install "trio-atomic-store[gateway]"` brings along. Names are looked up
when they are first asked for: the command line has tokens without that.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .access import BadTokenFile, Known, TokenFile, Tokens
    from .client import (
        Client,
        ConnectionLost,
        GatewayClosed,
        GatewayError,
        Outage,
        RemoteFeed,
        RemoteRequest,
        ScopesFeed,
        open_client,
    )
    from .limits import Limits
    from .protocol.rights import Principal, Right
    from .protocol.server_messages import LimitsShown, ScopeShown, Verified, Welcome
    from .script import browser_client
    from .server import Gateway, open_gateway, serve_gateway
    from .stream.site import Site, StaticFile, static_file

_HOMES = {
    "BadTokenFile": "access",
    "Client": "client",
    "ConnectionLost": "client",
    "Gateway": "server",
    "GatewayClosed": "client",
    "GatewayError": "client",
    "Known": "access",
    "Limits": "limits",
    "LimitsShown": "protocol.server_messages",
    "Outage": "client",
    "Principal": "protocol.rights",
    "RemoteFeed": "client",
    "RemoteRequest": "client",
    "Right": "protocol.rights",
    "ScopeShown": "protocol.server_messages",
    "ScopesFeed": "client",
    "Site": "stream.site",
    "StaticFile": "stream.site",
    "TokenFile": "access",
    "Tokens": "access",
    "Verified": "protocol.server_messages",
    "Welcome": "protocol.server_messages",
    "browser_client": "script",
    "open_client": "client",
    "open_gateway": "server",
    "serve_gateway": "server",
    "static_file": "stream.site",
}

__all__ = [
    "BadTokenFile",
    "Client",
    "ConnectionLost",
    "Gateway",
    "GatewayClosed",
    "GatewayError",
    "Known",
    "Limits",
    "LimitsShown",
    "Outage",
    "Principal",
    "RemoteFeed",
    "RemoteRequest",
    "Right",
    "ScopeShown",
    "ScopesFeed",
    "Site",
    "StaticFile",
    "TokenFile",
    "Tokens",
    "Verified",
    "Welcome",
    "browser_client",
    "open_client",
    "open_gateway",
    "serve_gateway",
    "static_file",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
