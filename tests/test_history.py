"""The id of a store's history: the same for all its life, and nobody else's."""

from __future__ import annotations

from pathlib import Path

from atomic_store import open_store
from atomic_store.journal.file import open_file_journal
from atomic_store.journal.stock import take_stock
from atomic_store.testing.faulty_disk import FaultyDisk
from bids import bids
from journal_files import STORE


async def test_in_files(tmp_path: Path) -> None:
    """A store in files keeps it from opening to opening; the files say the same."""
    ids = []
    for _ in range(2):
        async with open_store(tmp_path / "a.store", events=None) as store:
            ids.append(store.history)
    async with open_store(tmp_path / "b.store", events=None) as other:
        assert other.history != store.history

    assert [take_stock(tmp_path / "a.store").history] * 2 == ids


async def test_in_memory() -> None:
    """A store in memory has one as long as it lives."""
    async with bids() as (store, journal), bids() as (other, _):
        assert store.history == store.history == journal.history
        assert store.history != other.history


async def test_of_a_journal_that_has_none() -> None:
    """A store gives one to a journal that cannot tell."""
    async with bids() as (_, journal):

        class Nameless:
            def __getattr__(self, name: str) -> object:
                if name == "history":
                    raise AttributeError(name)
                return getattr(journal, name)

        async with open_store(Nameless(), events=None) as store:  # type: ignore[call-overload]  # near enough
            assert store.history == store.history != journal.history


async def test_where_files_lie(tmp_path: Path) -> None:
    """A journal knows its store's directory, unless its disk is none of the system's."""
    async with open_file_journal(tmp_path / "a.store") as journal:
        assert journal.path is not None
        assert (tmp_path / "a.store").samefile(journal.path)
    async with open_file_journal(STORE, disk=FaultyDisk()) as journal:
        assert journal.path is None
