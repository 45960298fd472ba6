"""How a reader goes on behind the pieces of an index."""

from __future__ import annotations

import pytest
import trio

from atomic_store.errors import JournalCorrupt
from atomic_store.journal.chain import Chain
from atomic_store.journal.creating import read_identity
from atomic_store.journal.index_store import IndexStore
from atomic_store.journal.skipping import skip_pieces
from atomic_store.journal.tailing import Tail
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import STORE, a_draft, segment, writing


@pytest.mark.parametrize("damage", [b"", b"x", b'{"format":1}\n'])
def test_a_header_that_changes_meanwhile(damage: bytes) -> None:
    """A header that was right when pieces were looked at, and is not when it is read, is damage."""
    disk = FaultyDisk()

    async def main() -> None:
        async with writing(disk, segment_bytes_max=10**6, piece_bytes=300) as store:
            for number in range(1, 6):
                await store.commit(a_draft("lot-1", number, pad=100))

    trio.run(main)
    identity = read_identity(disk, STORE)
    chain = Chain(identity.store, identity.history)
    store = IndexStore(disk, STORE, identity.store, identity.history)
    skip = skip_pieces(store, disk, segment(1), chain)
    assert skip is not None
    content = disk.files()[segment(1)]
    disk.put(segment(1), damage + content[content.index(b"\n") + 1 :] if damage else b"")

    with pytest.raises(JournalCorrupt) as refused:
        Tail(disk, STORE, chain).begin_segment(skip)
    assert (segment(1), 1) == (refused.value.path, refused.value.line)
