"""The files that are made of the protocol's classes: `nox -s schemas` writes them anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from atomic_store.gateway.protocol.asyncapi import asyncapi
from atomic_store.gateway.protocol.codes import SUBPROTOCOL
from atomic_store.gateway.protocol.schema import json_schema
from protocol_tables import with_tables

ROOT = Path(__file__).resolve().parent.parent
PROTOCOL = ROOT / "atomic_store" / "gateway" / "protocol"
STATIC = ROOT / "atomic_store" / "gateway" / "static"
PAGE = ROOT / "docs" / "protocol.md"


def source_of(module: str) -> str:
    """The source of one of the protocol's modules."""
    return (PROTOCOL / f"{module}.py").read_text("utf-8")


def schema_document() -> dict[str, Any]:
    """The JSON Schema of all messages."""
    return json_schema(source_of("client_messages"), source_of("server_messages"))


def asyncapi_document() -> dict[str, Any]:
    """The AsyncAPI document."""
    return asyncapi(source_of("client_messages"), source_of("server_messages"), source_of("codes"))


def files() -> dict[Path, str]:
    """Each file with what it should hold."""
    document = asyncapi_document()
    return {
        STATIC / f"{SUBPROTOCOL}.schema.json": json_text(schema_document()),
        STATIC / f"{SUBPROTOCOL}.asyncapi.json": json_text(document),
        PAGE: with_tables(PAGE.read_text("utf-8"), document),
    }


def json_text(value: dict[str, Any]) -> str:
    """JSON text for people."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, "utf-8")
