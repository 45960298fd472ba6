"""Records as text, and in messages that are not too large."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from ...journal.record import StoredRecord
from .server_messages import wire_record

FRAME_BYTES: Final = 512
"""What a message with records takes beside them, at most."""

_encode = msgspec.json.Encoder().encode


def record_text(stored: StoredRecord, bytes_max: int) -> bytes:
    """
    Write a record as it goes on the wire.

    Args:
      bytes_max: how long the text may be; a longer one leaves out `data`, and then what was
        given along, and says so.
    """
    record = wire_record(stored)
    text = _encode(record)
    if len(text) <= bytes_max:
        return text
    bare = msgspec.structs.replace(record, data=UNSET, omitted_bytes=len(stored.data))
    text = _encode(bare)
    if len(text) <= bytes_max:
        return text
    return _encode(msgspec.structs.replace(bare, metadata=UNSET, meta=UNSET))


def pages(texts: Iterable[bytes], bytes_max: int, count_max: int) -> Iterator[list[bytes]]:
    """
    Part records into pages, in order; none of them is empty.

    Args:
      bytes_max: how long the records of a page may be together, with the commas.
      count_max: how many they may be.
    """
    page: list[bytes] = []
    size = 0
    for text in texts:
        if page and (size + len(text) + 1 > bytes_max or len(page) >= count_max):
            yield page
            page, size = [], 0
        page.append(text)
        size += len(text) + 1
    if page:
        yield page


def records_head(id_: int) -> bytes:
    """The beginning of a `records` message: what follows is the same for everybody."""
    return b'{"type":"records","id":%d,"records":[' % id_


def records_body(texts: Sequence[bytes]) -> bytes:
    """The rest of a `records` message."""
    return b",".join(texts) + b"]}"


def past_message(
    id_: int, texts: Sequence[bytes], *, after: int, through: int, round_: str | None
) -> bytes:
    """A `past` message."""
    named = b"" if round_ is None else b'"round":%b,' % _encode(round_)
    return b'{"type":"past","id":%d,%b"after":%d,"records":[%b],"through":%d}' % (
        id_, named, after, b",".join(texts), through,
    )  # fmt: skip
