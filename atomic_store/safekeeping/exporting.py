"""Exporting records: JSON lines that can be imported again, and that show if they were cut."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Any, Protocol

from ..records import Record
from .lines import ExportEnd, end_line, record_line


class Paged(Protocol):
    """Records that are taken a page at a time; what `Store.read` and the like give."""

    def page(self) -> Awaitable[Sequence[Record[Any]]]:
        """Take the next ones; none at the end."""
        ...


async def export_records(
    reading: Paged,
    write: Callable[[bytes], object],
    *,
    encode: Callable[[bytes], bytes] = lambda line: line,
) -> ExportEnd:
    """
    Write records as JSON lines, and a last line that tells whether all of them are there.

    Each is written as it is in the journal, to the byte, without its checksums. Only whole
    scopes can be imported again: all records, of a scope, or of scopes that begin with a
    prefix. What is exported with a filter is for others to read.

    Args:
      reading: gives the records: `Store.read(…)`, `Reader.read(…)` or `Client.read(…)`.
      write: is given some lines at a time, in Trio's thread.
      encode: is given each line; what it makes of it must be the same JSON.

    Returns:
      What the last line says.

    Checkpoints: always. Cancellation: what was written has no last line.
    Raises: as `reading` does when it is taken from.
    """
    digest = sha256()
    records = 0
    while page := await reading.page():
        data = b"".join([encode(record_line(record._stored)) for record in page])
        digest.update(data)
        write(data)
        records += len(page)
    end = ExportEnd(records, digest.hexdigest())
    write(end_line(end))
    return end
