"""What derived files tell of the records that a journal must have."""

from __future__ import annotations

import attrs

from ..errors import JournalCorrupt
from .creating import read_identity
from .disk import Disk
from .index_store import IndexStore
from .snapshots.log import LogPlace
from .snapshots.witness import last_position


@attrs.frozen
class Witness:
    """A file, or a directory, that was made when the journal had so many records."""

    path: str
    last: int
    """The last position that it tells of."""
    what: str
    """What it is, and how it tells."""


def witnesses_of(disk: Disk, path: str) -> list[Witness]:
    """
    Give all that tell of a store's records; none if it is not known whose they must be.

    Args:
      path: the store's directory.
    """
    try:
        identity = read_identity(disk, path)
    except JournalCorrupt:
        return []
    place = LogPlace(disk, path, identity.store, identity.history)
    found = [Witness(place.directory, last_position(place), "a snapshot that rests on")]
    store = IndexStore(disk, path, identity.store, identity.history)
    for name in sorted(store.names()):
        stretch = store.stretch(name)
        if stretch is not None:
            last = stretch.header.last
            found.append(Witness(f"{store.directory}/{name}", last, "an index file that names"))
    store.close()
    return found
