"""
The gateway: any WebSocket client proposes, decides, queries and follows.

It needs what `pip install "trio-atomic-store[gateway]"` brings along. Names are looked up
when they are first asked for: the command line has tokens without that.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .access import TokenFile, Tokens
    from .limits import Limits
    from .protocol.rights import Principal, Right
    from .server import Gateway, open_gateway, serve_gateway
    from .stream.site import Site, StaticFile

_HOMES = {
    "Gateway": "server",
    "Limits": "limits",
    "Principal": "protocol.rights",
    "Right": "protocol.rights",
    "Site": "stream.site",
    "StaticFile": "stream.site",
    "TokenFile": "access",
    "Tokens": "access",
    "open_gateway": "server",
    "serve_gateway": "server",
}

__all__ = [
    "Gateway",
    "Limits",
    "Principal",
    "Right",
    "Site",
    "StaticFile",
    "TokenFile",
    "Tokens",
    "open_gateway",
    "serve_gateway",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
