"""`python -m tests.benchmarks.gateway.proposers`: clients that propose, decide, and wait."""

from __future__ import annotations

import select
import time
from typing import Any, Final, final

import attrs
import msgspec
import uuid_utils

from .processes import obey, say, settle
from .wire import Client, connect

WAITING_S: Final = 30.0
"""After how long without a word from anybody it is given up."""

PROPOSE: Final = (
    '{"type":"propose","id":%d,"proposal_id":"%s","scope":"%s"%s,"decide":"self",'
    '"event":{"type":"Bid","data":{"bidder":"ada","cents":500}}}'
)
DECIDE: Final = '{"type":"decide","id":%d,"round":"%s","accept":true}'

_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


@final
@attrs.define(eq=False)
class Proposer:
    """One client, which proposes one thing after the other in one scope."""

    client: Client
    scope: str
    left: int = 0
    """How many rounds are to come."""
    taken: list[float] = attrs.Factory(list)
    """How many seconds each round took."""
    # The last record of its scope that it holds.
    _known: int = 0
    _known_id: str = ""
    _id: int = 0
    _began: float = 0.0

    def propose(self, proposal_id: str | None = None) -> None:
        """Begin a round."""
        self._id += 1
        known = f',"known":{self._known},"known_id":"{self._known_id}"' if self._known else ""
        text = PROPOSE % (self._id, proposal_id or uuid_utils.uuid7(), self.scope, known)
        self._began = time.perf_counter()
        self.client.say(text.encode("ascii"))

    def hear(self) -> bool:
        """Receive once, and answer what is asked; whether that was the last round's end."""
        for text in self.client.hear():
            message = _decode(text)
            match message["type"]:
                case "validate":
                    self.client.say((DECIDE % (self._id, message["round"])).encode("ascii"))
                case "past" | "result":
                    record = message["records"][-1]
                    self._known, self._known_id = record["sequence"], record["id"]
                case "error":
                    raise AssertionError(text)
            if message["type"] == "result":
                self.taken.append(time.perf_counter() - self._began)
                self.left -= 1
                if not self.left:
                    return True
                self.propose()
        return False


def greeted(port: int) -> Client:
    """Connect, and say hello."""
    client = connect(port)
    client.say(b'{"type":"hello","client":"proposer"}')
    client.wait_for(b'"welcome"')
    return client


@final
@attrs.define(eq=False)
class Proposers:
    """All clients of a process."""

    _proposers: dict[int, Proposer] = attrs.Factory(dict)
    _poll: select.epoll = attrs.Factory(select.epoll)

    def connect(self, port: int, count: int, scopes: int) -> dict[str, Any]:
        """Connect so many, who share so many scopes."""
        for number in range(count):
            client = greeted(port)
            fd = client.socket.fileno()
            self._proposers[fd] = Proposer(client, f"lot/{number % scopes}")
            self._poll.register(fd, select.EPOLLIN)
        return {}

    def rounds(self, each: int) -> dict[str, Any]:
        """Have each of them do so many rounds; tells how long that took."""
        proposers = self._proposers.values()
        began = time.perf_counter()
        for one in proposers:
            one.left = each
            one.taken.clear()
            one.propose()
        left = len(proposers)
        while left:
            ready = self._poll.poll(WAITING_S)
            if not ready:
                raise TimeoutError(f"{left} proposers hear nothing any more")
            left -= sum(self._proposers[fd].hear() for fd, _ in ready)
        seconds = time.perf_counter() - began
        taken = sorted(one for proposer in proposers for one in proposer.taken)
        return {
            "rate": len(taken) / seconds,
            "median_ms": 1e3 * taken[len(taken) // 2],
            "p99_ms": 1e3 * taken[int(0.99 * (len(taken) - 1))],
        }


def main() -> None:
    settle(is_server=False)
    proposers = Proposers()
    say()
    obey({"connect": proposers.connect, "rounds": proposers.rounds})


if __name__ == "__main__":
    main()
