"""
A gateway of one screen, that speaks the protocol to a well-behaved client and keeps all in memory.

It loses connections: the first proposal's answer never arrives, and a later connection is cut
in the middle of a round. What it hears and says is held against the schemas.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from atomic_store.gateway.protocol.codes import SUBPROTOCOL, CloseCode
from protocol_files import schema_document

SCHEMA = schema_document()
HISTORY = "0198c0de-0000-7000-8000-000000000001"
LIMITS = {
    "message_bytes": 2**20, "event_bytes": 2**18, "page_records": 500, "open_requests": 64,
    "rounds": 64,
}  # fmt: skip


class ScriptedGateway:
    """A store of one scope, and what was said about it."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.heard: list[dict[str, Any]] = []
        self.faults: list[str] = []
        """What was no message of the protocol, whoever said it."""
        self.to_lose = ["result", "validate"]
        """Before these messages, one after the other, a connection is lost."""
        self.rounds = 0

    def talk(self, socket: ServerConnection) -> None:
        """Serve one connection."""
        self.following: dict[str, Any] | None = None
        proposed: dict[int, dict[str, Any]] = {}
        with contextlib.suppress(ConnectionClosed):
            for text in socket:
                message = json.loads(text)
                self._check("FromClient", message)
                self.heard.append(message)
                match message["type"]:
                    case "hello":
                        self._say(
                            socket, type="welcome", protocol=1, store=HISTORY, principal="ada",
                            position=len(self.records), rights={"decide": [""]}, features=[],
                            heartbeat_s=20.0, limits=LIMITS,
                        )  # fmt: skip
                    case "subscribe":
                        self.following = message
                        self._give(socket, message["id"], self.records[message.get("after", 0) :])
                        self._say(
                            socket, type="caught_up", id=message["id"], position=len(self.records)
                        )
                    case "propose":
                        proposed[message["id"]] = message
                        self._propose(socket, message)
                    case "decide":
                        self._decide(socket, message, proposed[message["id"]])

    def _propose(self, socket: ServerConnection, message: dict[str, Any]) -> None:
        before = [one for one in self.records if one["id"] == message["proposal_id"]]
        if before:
            self._say(
                socket, type="result", id=message["id"], accepted=True, outcome="accepted",
                records=before, duplicate=True,
            )  # fmt: skip
            return
        self._say(socket, type="error", id=message["id"], code="too_many", message="", final=False)
        self._say(socket, type="weather", id=message["id"], sky="blue")
        through = len(self.records)
        if self.records:
            self._say(
                socket, type="past", id=message["id"], after=0, records=self.records,
                through=through,
            )  # fmt: skip
        self.rounds += 1
        self._say(
            socket, type="validate", id=message["id"], round=f"r-{self.rounds}", sequence=through,
            deadline_s=5.0, event=message["event"],
        )  # fmt: skip

    def _decide(
        self, socket: ServerConnection, decision: dict[str, Any], proposal: dict[str, Any]
    ) -> None:
        result = {"type": "result", "id": decision["id"], "accepted": decision["accept"]}
        if not decision["accept"]:
            self._say(socket, **result, outcome="rejected", reason=decision["reason"])
            return
        place = len(self.records) + 1
        record = {
            "position": place, "scope": proposal["scope"], "sequence": place,
            "id": proposal["proposal_id"], "at": "2026-11-23T15:04:05.123456Z",
            **proposal["event"],
        }  # fmt: skip
        self.records.append(record)
        if self.following is not None:
            self._give(socket, self.following["id"], [record])
        self._say(socket, **result, outcome="accepted", records=[record])

    def _give(self, socket: ServerConnection, id_: int, records: list[dict[str, Any]]) -> None:
        if records:
            self._say(socket, type="records", id=id_, records=records)

    def _say(self, socket: ServerConnection, **message: Any) -> None:
        if message["type"] in self.to_lose[:1]:
            self.to_lose.pop(0)
            socket.close(CloseCode.SHUTDOWN)
            raise ConnectionClosed(None, None)
        if message["type"] != "weather":
            self._check("FromGateway", message)
        socket.send(json.dumps(message))

    def _check(self, side: str, message: dict[str, Any]) -> None:
        schema = {"$ref": f"#/$defs/{side}", "$defs": SCHEMA["$defs"]}
        if not Draft202012Validator(schema).is_valid(message):
            self.faults.append(f"{side}: {message}")


@contextlib.contextmanager
def served(gateway: ScriptedGateway) -> Iterator[str]:
    """Serve on a free port; give the address."""
    server: Server
    with serve(gateway.talk, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL]) as server:  # type: ignore[list-item]  # a str
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()
