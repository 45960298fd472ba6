"""
The gateway: any WebSocket client proposes, decides, queries and follows.

It needs what `pip install "trio-atomic-store[gateway]"` brings along.
"""

from __future__ import annotations

from .access import TokenFile, Tokens
from .limits import Limits
from .protocol.rights import Principal, Right
from .script import browser_client
from .server import Gateway, open_gateway, serve_gateway
from .stream.site import Site, StaticFile, static_file

__all__ = [
    "Gateway",
    "Limits",
    "Principal",
    "Right",
    "Site",
    "StaticFile",
    "TokenFile",
    "Tokens",
    "browser_client",
    "open_gateway",
    "serve_gateway",
    "static_file",
]
