"""What journals promise about snapshots: the right one, an older one or none; no wrong one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ...errors import StoreClosed
from ...journal import Journal, Snapshot
from .place import JournalPlace
from .scopes import NASTY_NAMES
from .writer import Writer, refuses

Spoil: TypeAlias = Callable[[Journal, str], None]


def snapshot_of(scope: str, sequence: int, *, version: int = 1, pad: int = 0) -> Snapshot:
    """A snapshot whose state tells what it is of, and is unlike all others."""
    state = b'{"pad":"%b","version":%d,"sequence":%d}' % (b"x" * pad, version, sequence)
    return Snapshot(scope, sequence, version, state)


class SnapshotsConformance(JournalPlace):
    """Cases about snapshots of sound journals."""

    async def test_no_snapshot(self) -> None:
        """There is none of an unknown scope, nor of one of which none was saved."""
        async with self.open_journal() as journal:
            assert await journal.load_snapshot("lot-1", version=1) is None
            await journal.save_snapshots([])
            await journal.delete_snapshots("lot-1")
            writer = Writer(journal)
            await writer.write("lot-1", events=3)
            await writer.write("lot-2", events=3)
            assert await journal.load_snapshot("lot-1", version=1) is None
            await journal.save_snapshots([])
            await journal.save_snapshots([snapshot_of("lot-2", 3)])
            assert await journal.load_snapshot("lot-1", version=1) is None
            assert await journal.load_snapshot("lot-1", version=1, last=2) is None
            assert 0 == journal.snapshots_skipped

    async def test_the_newest_snapshot(self) -> None:
        """The one of the highest sequence is given, as it was saved; more than once."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            for sequence in (2, 4, 6):
                await writer.write("lot-1", events=2)
                saved = snapshot_of("lot-1", sequence)
                await journal.save_snapshots([saved])
                for _ in range(2):
                    assert saved == await journal.load_snapshot("lot-1", version=1)
            await writer.write("lot-1", events=2)
            assert saved == await journal.load_snapshot("lot-1", version=1)

    async def test_the_newest_snapshot_is_not_the_last_saved(self) -> None:
        """If an older state is saved after a newer one, the newer one is still the newest."""
        async with self.open_journal() as journal:
            await Writer(journal).write("lot-1", events=9)
            await journal.save_snapshots([snapshot_of("lot-1", 8), snapshot_of("lot-1", 5)])
            assert snapshot_of("lot-1", 8) == await journal.load_snapshot("lot-1", version=1)

    async def test_the_newest_snapshot_up_to_a_sequence(self) -> None:
        """`last` is a bound, itself included: below all snapshots there is none."""
        async with self.open_journal() as journal:
            await Writer(journal).write("lot-1", events=9)
            await journal.save_snapshots([snapshot_of("lot-1", 3), snapshot_of("lot-1", 6)])
            for last, expected in ((0, 0), (2, 0), (3, 3), (5, 3), (6, 6), (7, 6), (9, 6), (99, 6)):
                found = await journal.load_snapshot("lot-1", version=1, last=last)
                assert (snapshot_of("lot-1", expected) if expected else None) == found, last

    async def test_a_snapshot_saved_again(self) -> None:
        """Of two of the same sequence the second one counts; an older one stays."""
        async with self.open_journal() as journal:
            await Writer(journal).write("lot-1", events=4)
            await journal.save_snapshots([snapshot_of("lot-1", 2), snapshot_of("lot-1", 4)])
            for pad in (7, 3):
                again = snapshot_of("lot-1", 4, pad=pad)
                await journal.save_snapshots([again])
                assert again == await journal.load_snapshot("lot-1", version=1)
                older = await journal.load_snapshot("lot-1", version=1, last=3)
                assert snapshot_of("lot-1", 2) == older

    async def test_snapshots_of_another_version(self) -> None:
        """One counts only for its own version of the fold, however new it is."""
        async with self.open_journal() as journal:
            await Writer(journal).write("lot-1", events=4)
            old, new = snapshot_of("lot-1", 4), snapshot_of("lot-1", 2, version=2)
            await journal.save_snapshots([old])
            assert await journal.load_snapshot("lot-1", version=2) is None
            await journal.save_snapshots([new])
            assert new == await journal.load_snapshot("lot-1", version=2)
            assert old == await journal.load_snapshot("lot-1", version=1)
            assert await journal.load_snapshot("lot-1", version=3) is None

    async def test_deleted_snapshots(self) -> None:
        """One can be deleted, or those of some sequences, or all; others stay, and can be saved."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            await writer.write("lot-1", events=8)
            await writer.write("lot-2", events=8)
            await journal.delete_snapshots("lot-1")
            await journal.delete_snapshots("lot-3", last=5)
            for bounds, left in (
                ({"first": 4, "last": 4}, {8: 8, 7: 0}),
                ({"first": 8, "last": 8}, {8: 4, 3: 0}),
                ({"last": 4}, {8: 8, 7: 0}),
                ({"last": 8}, {8: 0}),
                ({"first": 5}, {8: 4}),
                ({"first": 5, "last": 7}, {8: 8, 7: 4}),
                ({}, {8: 0}),
            ):
                for scope in ("lot-1", "lot-2"):
                    await journal.save_snapshots([snapshot_of(scope, 4), snapshot_of(scope, 8)])
                await journal.delete_snapshots("lot-1", **bounds)
                for last, expected in left.items():
                    found = await journal.load_snapshot("lot-1", version=1, last=last)
                    assert expected == (0 if found is None else found.sequence), (bounds, last)
                other = await journal.load_snapshot("lot-2", version=1)
                assert snapshot_of("lot-2", 8) == other

    async def test_large_snapshots(self) -> None:
        """States of 10 kB and of 1 MB come back whole."""
        async with self.open_journal() as journal:
            await Writer(journal).write("lot-1", events=3)
            for sequence, pad in ((1, 10_000), (2, 1_000_000), (3, 10)):
                saved = snapshot_of("lot-1", sequence, pad=pad)
                await journal.save_snapshots([saved])
                assert saved == await journal.load_snapshot("lot-1", version=1)
            assert 0 == journal.snapshots_skipped

    async def test_a_snapshot_of_what_is_not_there(self) -> None:
        """A state of what is not there, or not durable, is refused, with all beside it."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            await writer.write("lot-1", events=3)
            writer.append("lot-1")
            for scope, sequence in (("lot-1", 4), ("lot-1", 0), ("lot-1", -1), ("lot-9", 1)):
                with refuses(ValueError):
                    await journal.save_snapshots(
                        [snapshot_of("lot-1", 3), snapshot_of(scope, sequence)]
                    )
                assert await journal.load_snapshot("lot-1", version=1) is None
            await writer.flush()
            await journal.save_snapshots([snapshot_of("lot-1", 4)])
            assert snapshot_of("lot-1", 4) == await journal.load_snapshot("lot-1", version=1)

    async def test_snapshots_are_never_mixed_up(self) -> None:
        """Hundreds of scopes with nasty names: each one has its own snapshot."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            names = [*NASTY_NAMES, *(f"lot-{number}" for number in range(100, 250))]
            for name in names:
                writer.append(name)
            await writer.flush()
            saved = [
                Snapshot(name, 1, 1, b'"state %d"' % number) for number, name in enumerate(names)
            ]
            await journal.save_snapshots(saved[::2])
            await journal.save_snapshots(saved[1::2])
            for snapshot in saved:
                assert snapshot == await journal.load_snapshot(snapshot.scope, version=1)

    async def test_many_snapshots(self) -> None:
        """However many are saved, the two that were saved last for each scope are there."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            scopes = [f"lot-{number}" for number in range(20)]
            for sequence in range(1, 61):
                for scope in scopes:
                    writer.append(scope)
                await writer.flush()
                await journal.save_snapshots(
                    [snapshot_of(scope, sequence, pad=3_000) for scope in scopes]
                )
                if sequence % 20 == 0:
                    await _check_two(journal, scopes, sequence)

    async def test_snapshots_of_a_closed_journal(self) -> None:
        """Once closed, a journal keeps no more snapshots."""
        async with self.open_journal() as journal:
            await Writer(journal).write("lot-1")
        with refuses(StoreClosed):
            await journal.save_snapshots([snapshot_of("lot-1", 1)])
        with refuses(StoreClosed):
            await journal.delete_snapshots("lot-1")


async def _check_two(journal: Journal, scopes: list[str], sequence: int) -> None:
    """Check that each scope has the snapshots of a sequence and of the one before."""
    for scope in scopes:
        for expected in (sequence, sequence - 1):
            found = await journal.load_snapshot(scope, version=1, last=expected)
            assert snapshot_of(scope, expected, pad=3_000) == found


class DamagedSnapshotsConformance(JournalPlace):
    """Cases for journals whose snapshots a test can damage."""

    def damage_newest_snapshot(self, journal: Journal, scope: str) -> None:
        """Change a character of the state in the sound snapshot of the highest sequence."""
        raise NotImplementedError("damage_newest_snapshot() must be overridden")

    def estrange_newest_snapshot(self, journal: Journal, scope: str) -> None:
        """Make the newest snapshot one that was saved beside other records."""
        raise NotImplementedError("estrange_newest_snapshot() must be overridden")

    async def test_a_damaged_snapshot_is_passed_over(self) -> None:
        """In the place of a damaged one an older one is given; of none, none."""
        async with self.open_journal() as journal:
            await self._fill(journal)
            await self._check_passed_over(journal, self.damage_newest_snapshot)

    async def test_a_snapshot_beside_other_records_is_passed_over(self) -> None:
        """So is one that was saved beside other records."""
        async with self.open_journal() as journal:
            await self._fill(journal)
            await self._check_passed_over(journal, self.estrange_newest_snapshot)

    async def _fill(self, journal: Journal) -> None:
        writer = Writer(journal)
        for sequence in (2, 4):
            await writer.write("lot-1", events=2)
            await writer.write("lot-2", events=2)
            await journal.save_snapshots(
                [snapshot_of("lot-1", sequence), snapshot_of("lot-2", sequence)]
            )

    async def _check_passed_over(self, journal: Journal, spoil: Spoil) -> None:
        spoil(journal, "lot-1")
        for _ in range(2):
            assert snapshot_of("lot-1", 2) == await journal.load_snapshot("lot-1", version=1)
            assert 1 == journal.snapshots_skipped
        spoil(journal, "lot-1")
        for _ in range(2):
            assert await journal.load_snapshot("lot-1", version=1) is None
            assert 2 == journal.snapshots_skipped
        assert snapshot_of("lot-2", 4) == await journal.load_snapshot("lot-2", version=1)
        await journal.save_snapshots([snapshot_of("lot-1", 3)])
        assert snapshot_of("lot-1", 3) == await journal.load_snapshot("lot-1", version=1)
