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
    # When each read how many records; and what the first of them read.
    _stamps: list[tuple[float, int, int]] = attrs.Factory(list)
    _kept: bytearray = attrs.Factory(bytearray)

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

    def stamp(self, records: int) -> dict[str, Any]:
        """The same; `lag` then tells how late it was."""
        stamps: list[tuple[float, int, int]] = []
        self._kept.clear()
        self._read(
            records, lambda reader, found: stamps.append((time.time(), reader.number, found))
        )
        self._stamps = stamps
        return {"ended": time.monotonic()}

    def lag(self, durable_at: list[float]) -> dict[str, Any]:
        """
        Tell how late records were read that came with the last `stamp`, in milliseconds.

        Args:
          durable_at: when each was known to be durable. Their `at` lies before that.
        """
        texts = _AT.findall(self._kept)
        at = [datetime.fromisoformat(text.decode("ascii")).timestamp() for text in texts]
        assert len(durable_at) == len(at)
        readers = len(self._readers)
        durable = _buckets(durable_at, readers, self._stamps)
        admitted = _buckets(at, readers, self._stamps)
        return {
            "median": _quantile_ms(durable, 0.5),
            "p99": _quantile_ms(durable, 0.99),
            "p99_at": _quantile_ms(admitted, 0.99),
        }

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
        if not reader.number:
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


def _buckets(since: list[float], readers: int, stamps: list[tuple[float, int, int]]) -> list[int]:
    """How many records were read so many tenths of a millisecond after a time of each."""
    buckets = [0] * int(WAITING_S * _BUCKETS_A_SECOND)
    seen = [0] * readers
    for read_at, number, found in stamps:
        first = seen[number]
        seen[number] += found
        for began_at in since[first : seen[number]]:
            buckets[max(0, int((read_at - began_at) * _BUCKETS_A_SECOND))] += 1
    return buckets


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
            "stamp": readers.stamp,
            "lag": readers.lag,
        }
    )


if __name__ == "__main__":
    main()
