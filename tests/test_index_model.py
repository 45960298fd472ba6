"""The file journal with index files against a plain list, under thousands of random steps."""

from __future__ import annotations

from collections import Counter
from random import Random

import attrs
import pytest
import trio

from atomic_store.errors import SequenceConflict
from atomic_store.journal import Draft, ScopeEnd, StoredRecord
from atomic_store.journal.file import FileJournal, open_file_journal
from atomic_store.journal.verify import verify
from atomic_store.testing.faulty_disk import FaultyDisk
from indexed_journals import an_event, end_of, index_files
from journal_files import STORE, an_id, ticking_clock

pytestmark = pytest.mark.no_cover
"""It goes again and again through what other tests have covered."""

SCOPES = [
    "a", "aa", "aaa", "ab", "b", "a\x01", "é", "\ud7ff", "\ue000", "￿", "\U00010000",
    "\U0010ffff", "z" * 512, "z" * 511 + "y", '"\\\n', " ", "lot-1", "lot-10", "lot-2",
]  # fmt: skip
METADATA = [None, None, b"{}", b'{"correlation":"x"}', b'{"causation":"x","correlation":"y"}']
STEPS = 700
LIVES = 5

met: Counter[str] = Counter()
"""How often each step was taken."""


@attrs.define(eq=False)
class Model:
    """What a journal must hold, and the steps that are taken on it."""

    random: Random
    disk: FaultyDisk
    appended: list[StoredRecord] = attrs.Factory(list)
    told: int = 0
    """The last position that was acknowledged."""
    ids: int = 0

    async def live(self, steps: int) -> FaultyDisk:
        """Open it, take steps, and end in some way; give the disk that is left."""
        random = self.random
        async with open_file_journal(
            STORE,
            disk=self.disk,
            clock=ticking_clock(),
            segment_bytes_max=random.choice([600, 3000, 9000]),
            piece_bytes=random.choice([1, 400, 1500]),
        ) as journal:
            await self.take_over(journal)
            for _ in range(steps):
                step = random.choice(STEPS_OF_A_LIFE)
                met[step] += 1
                await getattr(self, step)(journal)
            killed, crashed = self.disk.copy(), self.disk.crash(random.randrange(1000))
            told = self.told
        end = random.choice(["close", "close", "kill", "power loss"])
        # What is written when it is closed is not on the disks that were left before.
        self.told = len(self.appended) if end == "close" else told
        return {"close": self.disk, "kill": killed, "power loss": crashed}[end]

    async def take_over(self, journal: FileJournal) -> None:
        """See what is left of the life before: all that was told, and no more than appended."""
        found = await journal.read_all(limit=100_000)
        position = journal.head.position
        assert self.told <= len(found) == position
        assert self.appended[: len(found)] == found
        self.appended, self.told = found, len(found)

    def durable(self, journal: FileJournal) -> list[StoredRecord]:
        """What must be seen now."""
        return self.appended[: journal.head.position]

    def of(self, scope: str, journal: FileJournal) -> list[StoredRecord]:
        return [record for record in self.durable(journal) if record.scope == scope]

    def scope(self) -> str:
        """A scope; some come often, some hardly ever."""
        return self.random.choice(SCOPES[: self.random.randint(1, len(SCOPES))])

    # --- steps ------------------------------------------------------------------------

    async def append(self, journal: FileJournal) -> None:
        for _ in range(self.random.randint(1, 4)):
            scope = self.scope()
            sequence = sum(record.scope == scope for record in self.appended)
            self.ids += 1
            events = tuple(an_event(self.random.choice([0, 5, 200])) for _ in range(self.parts()))
            draft = Draft(scope, an_id(self.ids), events, self.random.choice(METADATA))
            with pytest.raises(SequenceConflict):
                journal.append_nowait(draft, expected_sequence=sequence + 1)
            records, commit = journal.append_nowait(draft, expected_sequence=sequence)
            self.appended += records
            last = records[-1].position
            commit.when_done(lambda failure, last=last: self.tell(last))  # type: ignore[misc]  # mypy infers no lambda with a default
        if self.random.random() < 0.8:
            journal.flush_nowait()
        if self.random.random() < 0.8:
            journal.flush_nowait()
            await commit.wait()

    def tell(self, position: int) -> None:
        self.told = position

    def parts(self) -> int:
        return self.random.choice([1, 1, 1, 2, 5])

    async def turn(self, journal: FileJournal) -> None:
        for _ in range(self.random.randint(1, 5)):
            await trio.lowlevel.checkpoint()

    async def read_scope(self, journal: FileJournal) -> None:
        scope = self.random.choice([self.scope(), "nowhere", "\ud800", ""])
        expected = self.of(scope, journal)
        size = len(expected) + 2
        first, last = self.random.randint(-1, size), self.random.randint(-1, size)
        limit = self.random.choice([None, None, 0, 1, 2, size])
        bound = self.random.choice([None, last])
        reverse = self.random.random() < 0.5
        expected = expected[max(0, first - 1) : None if bound is None else max(0, bound)]
        expected = expected[::-1][:limit] if reverse else expected[:limit]
        found = await journal.read_scope(
            scope, first=first, last=bound, limit=limit, reverse=reverse
        )

        assert expected == found

    async def scope_end(self, journal: FileJournal) -> None:
        scope = self.random.choice([self.scope(), "nowhere", "\ud800"])
        found = self.of(scope, journal)
        expected = end_of(found[-1]) if found else ScopeEnd(scope, 0, 0)

        assert expected == await journal.scope_end(scope)

    async def read_all(self, journal: FileJournal) -> None:
        durable = self.durable(journal)
        after, limit = self.random.randint(-2, len(durable) + 2), self.random.randint(-1, 30)
        expected = durable[max(0, after) :][: max(0, limit)]

        assert expected == await journal.read_all(after=after, limit=limit)

    async def find(self, journal: FileJournal) -> None:
        durable = self.durable(journal)
        wanted = an_id(self.random.randint(0, self.ids + 1))
        known = {record.scope for record in durable if record.id == wanted}
        scope = self.random.choice([*known, *known, self.scope(), "nowhere", "\ud800"])
        expected = tuple(r for r in durable if (r.scope, r.id) == (scope, wanted))

        assert not (expected and journal.lacks(scope, wanted))
        assert expected == await journal.find(scope, wanted)

    async def scopes(self, journal: FileJournal) -> None:
        prefix = self.random.choice(["", "", "a", "aa", "z" * 511, "lot-1", "x", "\ud800"])
        after = self.random.choice([None, self.scope(), "aa\x00", "\ud800", ""])
        limit = self.random.choice([0, 1, 2, 3, 1000])
        ends = {record.scope: end_of(record) for record in self.durable(journal)}
        names = [n for n in sorted(ends) if n.startswith(prefix) and (after is None or n > after)]

        assert [ends[name] for name in names[:limit]] == await journal.scopes(
            prefix=prefix, after=after, limit=limit
        )

    async def damage(self, journal: FileJournal) -> None:
        files = sorted(index_files(self.disk).items())
        if not files:
            return
        path, content = self.random.choice(files)
        other = self.random.choice(files)[1]
        offset = self.random.randrange(len(content) + 1)
        how = self.random.randrange(5)
        if how == 0:
            self.disk.remove(path)
        elif how == 1:
            self.disk.put(path, content[:offset])
        elif how == 2:
            self.disk.put(path, content[:offset] + b"?" + content[offset + 1 :])
        elif how == 3:
            self.disk.put(path, other)
        else:
            for path, _ in files:
                self.disk.remove(path)


STEPS_OF_A_LIFE = [
    "append", "append", "append", "turn", "read_scope", "read_scope", "scope_end", "read_all",
    "find", "find", "scopes", "damage",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_against_a_list(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens in whatever order, everything that is asked is answered as a list would."""
    monkeypatch.setattr("atomic_store.journal.given_ends.ENDS_KEPT", 1 + seed)
    monkeypatch.setattr("atomic_store.journal.index_store.FILES_OPEN_MAX", 1 + seed % 3)
    model = Model(Random(seed), FaultyDisk(seed))
    for _ in range(LIVES):
        model.disk = trio.run(model.live, STEPS // LIVES)

    async def last() -> None:
        async with open_file_journal(STORE, disk=model.disk) as journal:
            await model.take_over(journal)

    trio.run(last)
    assert () == verify(STORE, disk=model.disk).damage
    assert len(model.appended) > 200


def test_every_step_was_taken() -> None:
    """The flows above took thousands of steps, of all kinds."""
    assert sum(met.values()) >= 4000
    assert set(STEPS_OF_A_LIFE) == set(met)
