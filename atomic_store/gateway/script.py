"""The client for browsers, as a file that a gateway's site can serve."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from .stream.site import StaticFile, static_file

NAME: Final = "atomic-store.js"


def browser_client() -> StaticFile:
    """
    Give the JavaScript module with which pages speak to a gateway.

    Serve it beside them: ``Site({"/atomic-store.js": browser_client(), …})``.
    """
    return static_file(NAME, (files("atomic_store.gateway") / "static" / NAME).read_bytes())
