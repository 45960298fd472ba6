"""
The protocol as an AsyncAPI 3.0 document: who says what, and what is said in return.

Like the schemas it is made by `nox -s schemas` and shipped, as
`static/atomic-store.v1.asyncapi.json`. It is written from the gateway's side: what it
receives, clients send. What AsyncAPI has no word for stands in members that begin with ``x-``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from . import client_messages as client
from . import server_messages as gateway
from .codes import (
    FINAL_CLOSES,
    OUTCOME_OPEN,
    PROTOCOL_VERSION,
    SUBPROTOCOL,
    WORTH_TRYING_AGAIN,
    CloseCode,
    ErrorCode,
)  # fmt: skip
from .schema import CLIENT, GATEWAY, OPEN, Schema, definitions, docstrings, name_of, names_of

ANSWERS: Final[dict[type[client.ClientMessage], tuple[type[gateway.ServerMessage], ...]]] = {
    client.Hello: (gateway.Welcome,),
    client.Ping: (gateway.Pong,),
    client.Propose: (
        gateway.Past, gateway.Waiting, gateway.Validate, gateway.Result, gateway.Error,
    ),
    client.ValidateFor: (
        gateway.Past, gateway.Validate, gateway.Over, gateway.Done, gateway.Error,
    ),
    client.Query: (gateway.Records, gateway.Done, gateway.Error),
    client.Subscribe: (
        gateway.Records, gateway.CaughtUp, gateway.Reset, gateway.Done, gateway.Error,
    ),
    client.Scopes: (gateway.ScopesShown, gateway.Done, gateway.Error),
    client.Stats: (gateway.StatsShown, gateway.Done, gateway.Error),
    client.StoreInfo: (gateway.StoreShown, gateway.Done, gateway.Error),
    client.Verify: (gateway.Verified, gateway.Done, gateway.Error),
    client.EndRound: (gateway.Done, gateway.Error),
}  # fmt: skip
"""What the gateway may say to a message, the terminal ones last."""

UNASKED: Final[tuple[type[gateway.ServerMessage], ...]] = (gateway.Ping, gateway.Goodbye)
"""What it says of its own accord."""

_CHANNEL: Final = "#/channels/gateway"
_SECURITY: Final[dict[str, dict[str, str]]] = {
    "header": {
        "type": "http",
        "scheme": "bearer",
        "description": "`Authorization: Bearer TOKEN` in the handshake.",
    },
    "subprotocol": {
        "type": "httpApiKey",
        "in": "header",
        "name": "Sec-WebSocket-Protocol",
        "description": "A second subprotocol, `bearer.TOKEN`; it is never echoed. A page in a "
        "browser cannot set another header.",
    },
    "hello": {
        "type": "apiKey",
        "in": "password",
        "description": "The member `token` of `hello`, the first message of every connection.",
    },
}


def asyncapi(client_source: str, server_source: str, codes_source: str) -> Schema:
    """
    Give the document.

    Args:
      client_source: the source of `client_messages`.
      server_source: the source of `server_messages`.
      codes_source: the source of `codes`.
    """
    schemas = definitions(client_source, server_source, "#/components/schemas/")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": SUBPROTOCOL,
            "version": f"{PROTOCOL_VERSION}.0.0",
            "description": "The gateway of atomic_store: any WebSocket client proposes, decides, "
            "queries and follows.",
        },
        "defaultContentType": "application/json",
        "servers": {name: _server(name) for name in ("ws", "wss")},
        "channels": {"gateway": _channel()},
        "operations": _operations(),
        "components": {
            "schemas": schemas,
            "messages": {
                name: _message(name, schemas[name])
                for name in [*names_of(CLIENT), *names_of(GATEWAY)]
            },
            "securitySchemes": _SECURITY,
            "correlationIds": {"request": {"location": "$message.payload#/id"}},
        },
        "x-error-codes": _error_codes(docstrings(codes_source)["ErrorCode"]),
        "x-close-codes": _close_codes(docstrings(codes_source)["CloseCode"]),
    }


def _server(protocol: str) -> Schema:
    return {
        "host": "{host}:{port}",
        "protocol": protocol,
        "description": "With TLS." if protocol == "wss" else "On the machine itself.",
        "variables": {
            "host": {"default": "localhost", "description": "The gateway's name."},
            "port": {"description": "The gateway's port."},
        },
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SECURITY],
    }


def _channel() -> Schema:
    names = [*names_of(CLIENT), *names_of(GATEWAY)]
    return {
        "address": None,
        "description": f"A connection: text frames with one JSON object each. {OPEN}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "ws": {
                "method": "GET",
                "headers": {
                    "type": "object",
                    "properties": {
                        "Sec-WebSocket-Protocol": {
                            "type": "string",
                            "description": f"It must offer `{SUBPROTOCOL}`.",
                        },
                    },
                    "required": ["Sec-WebSocket-Protocol"],
                },
                "bindingVersion": "0.1.0",
            },
        },
    }


def _operations() -> dict[str, Schema]:
    operations = {}
    for kind in client.ALL.values():
        name = name_of(CLIENT, kind)
        operations[name] = _operation("receive", name)
        if kind in ANSWERS:
            answers = [name_of(GATEWAY, answer) for answer in ANSWERS[kind]]
            operations[name]["reply"] = {
                "channel": {"$ref": _CHANNEL},
                "messages": _references(answers),
            }
    for unasked in UNASKED:
        name = name_of(GATEWAY, unasked)
        operations[name] = _operation("send", name)
    return operations


def _operation(action: str, name: str) -> Schema:
    return {"action": action, "channel": {"$ref": _CHANNEL}, "messages": _references([name])}


def _references(names: Sequence[str]) -> list[Schema]:
    return [{"$ref": f"{_CHANNEL}/messages/{name}"} for name in names]


def _message(name: str, schema: Schema) -> Schema:
    message: dict[str, Any] = {
        "name": schema["title"],
        "summary": schema["description"],
        "payload": {"$ref": f"#/components/schemas/{name}"},
    }
    if "id" in schema["properties"]:
        message["correlationId"] = {"$ref": "#/components/correlationIds/request"}
    return message


def _error_codes(docs: dict[str, str]) -> dict[str, Schema]:
    return {
        str(code): {
            "description": docs[code.name],
            "retry": code in WORTH_TRYING_AGAIN,
            "outcomeOpen": code in OUTCOME_OPEN,
        }
        for code in ErrorCode
    }


def _close_codes(docs: dict[str, str]) -> dict[str, Schema]:
    return {
        str(int(code)): {"description": docs[code.name], "reconnect": code not in FINAL_CLOSES}
        for code in CloseCode
    }
