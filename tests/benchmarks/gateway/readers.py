"""`python -m tests.benchmarks.gateway.readers`: many subscribers, who count and do not parse."""

from __future__ import annotations

import re
import select
import ssl
import time
from datetime import datetime
from functools import partial
from typing import Any, Final, final

import attrs

from .processes import obey, say, settle
from .wire import RECEIVE_BYTES, Client, connect, pong_frame

MARK: Final = "@end"
"""What is in each record once, near its end, and by no chance in the head of a frame."""
WAITING_S: Final = 120.0
"""After how long without all that should come it is given up."""

_MARK: Final = MARK.encode("ascii")
_CUT: Final = len(_MARK) - 1
_BUCKETS_A_SECOND: Final = 10_000
_AT = re.compile(rb'"at":"([^"]+)"')


@final
@attrs.define(eq=False)
class Reader:
    """One subscriber, and how many records it has read of those that are counted."""

    client: Client
    number: int
    records: int = 0
    tail: bytes = b""
    """What it read last: a mark may be cut."""


@final
@attrs.define(eq=False)
class Readers:
    """All subscribers of a process."""

    port: int
    tls: ssl.SSLContext | None
    _readers: dict[int, Reader] = attrs.Factory(dict)
    _poll: select.epoll = attrs.Factory(select.epoll)
    _buffer: bytearray = attrs.Factory(lambda: bytearray(RECEIVE_BYTES))
    # What the first of them reads, where it is asked for.
    _kept: bytearray | None = None

    def connect(self, count: int, *, subscribe: bool) -> dict[str, Any]:
        """Connect more of them; it is done when all of them have caught up, or were welcomed."""
        new = [connect(self.port, self.tls) for _ in range(count)]
        for client in new:
            client.say(b'{"type":"hello","client":"reader"}')
            if subscribe:
                client.say(b'{"type":"subscribe","id":1,"all":true,"after":"end"}')
        for client in new:
            client.wait_for(b'"caught_up"' if subscribe else b'"welcome"')
            client.socket.setblocking(False)
            fd = client.socket.fileno()
            self._readers[fd] = Reader(client, len(self._readers))
            self._poll.register(fd, select.EPOLLIN)
        return {}

    def count(self, records: int) -> dict[str, Any]:
        """Read until all of them have so many records more; tells when that was."""
        self._read(records, lambda reader, found: None)
        return {"ended": time.monotonic()}

    def lag(self, records: int) -> dict[str, Any]:
        """The same; tells how long after their `at` records were read, in milliseconds."""
        stamps: list[tuple[float, int, int]] = []
        self._kept = bytearray()
        self._read(
            records, lambda reader, found: stamps.append((time.time(), reader.number, found))
        )
        at = [datetime.fromisoformat(m[1].decode("ascii")) for m in _AT.finditer(self._kept)]
        assert len(at) == records
        buckets = _buckets([one.timestamp() for one in at], len(self._readers), stamps)
        return {name: _quantile_ms(buckets, part) for name, part in _QUANTILES.items()}

    def _read(self, records: int, found: Any) -> None:
        for reader in self._readers.values():
            reader.client.send(pong_frame())
            reader.records = 0
        left = len(self._readers)
        until = time.monotonic() + WAITING_S
        receive = self._receive_tls if self.tls is not None else self._receive
        say(ready=True)
        while left:
            ready = self._poll.poll(1.0)
            if not ready and time.monotonic() > until:
                raise TimeoutError(f"{left} readers have not read {records} records in time")
            for fd, _ in ready:
                reader = self._readers[fd]
                more = receive(reader)
                if more:
                    reader.records += more
                    found(reader, more)
                    assert reader.records <= records
                    left -= reader.records == records

    def _receive(self, reader: Reader) -> int:
        """Receive once; gives how many records that were."""
        buffer = self._buffer
        size = reader.client.socket.recv_into(buffer)
        if not size:
            raise ConnectionError("the server has closed a connection")
        if self._kept is not None and not reader.number:
            self._kept += buffer[:size]
        cut = (reader.tail + buffer[: min(size, _CUT)]).count(_MARK)
        reader.tail = (reader.tail + buffer[max(0, size - _CUT) : size])[-_CUT:]
        return buffer.count(_MARK, 0, size) + cut

    def _receive_tls(self, reader: Reader) -> int:
        """Receive all there is, for what was decrypted is not seen by `epoll`."""
        found = 0
        try:
            while True:
                found += self._receive(reader)
        except ssl.SSLWantReadError:
            return found


def _buckets(at: list[float], readers: int, stamps: list[tuple[float, int, int]]) -> list[int]:
    """How many records were read so many tenths of a millisecond after their `at`."""
    buckets = [0] * int(WAITING_S * _BUCKETS_A_SECOND)
    seen = [0] * readers
    for read_at, number, found in stamps:
        first = seen[number]
        seen[number] += found
        for sent_at in at[first : seen[number]]:
            buckets[max(0, int((read_at - sent_at) * _BUCKETS_A_SECOND))] += 1
    return buckets


_QUANTILES: Final = {"median_ms": 0.5, "p99_ms": 0.99, "most_ms": 1.0}


def _quantile_ms(buckets: list[int], part: float) -> float:
    """The end of the bucket that a part of all is in, or before."""
    left = part * sum(buckets)
    for place, count in enumerate(buckets):
        left -= count
        if left <= 0 and count:
            return 1e3 * (place + 1) / _BUCKETS_A_SECOND
    raise AssertionError("there is at least one")


def main() -> None:
    port, authority = settle(is_server=False)
    tls = None if authority is None else ssl.create_default_context(cafile=authority)
    readers = Readers(port, tls)
    say()
    obey(
        {
            "connect": partial(readers.connect, subscribe=False),
            "subscribe": partial(readers.connect, subscribe=True),
            "count": readers.count,
            "lag": readers.lag,
        }
    )


if __name__ == "__main__":
    main()
