"""Segments checked apart: what is found, or that something is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs
import pytest
import trio

from atomic_store.journal import verify as verify_module
from atomic_store.journal import verify_apart
from atomic_store.journal.chain import Chain
from atomic_store.journal.file import open_file_journal
from atomic_store.journal.line import CRC_BYTES, with_crc
from atomic_store.journal.verify import verify
from atomic_store.journal.verify_apart import CheckedSegment, check_segment, joined
from journal_files import a_draft, ticking_clock


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store of several small segments."""
    path = tmp_path_factory.mktemp("sound") / "shop.store"

    async def main() -> None:
        async with open_file_journal(
            path, clock=ticking_clock(), segment_bytes_max=1200
        ) as journal:
            sequences = {"lot-1": 0, "lot-2": 0}
            for number in range(1, 25):
                scope = f"lot-{number % 2 + 1}"
                draft = a_draft(scope, number, events=1 + number % 3)
                _, commit = journal.append_nowait(draft, expected_sequence=sequences[scope])
                sequences[scope] += len(draft.events)
                journal.flush_nowait()
                await commit.wait()

    trio.run(main)
    return path


@pytest.fixture
def store(sound: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(sound, tmp_path / "shop.store"))


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Check segments in this process; gives which."""
    checked: list[str] = []

    def check_apart(paths: Sequence[str], processes: int) -> Iterator[CheckedSegment | None]:
        for path in paths:
            checked.append(path)
            yield check_segment(path)

    monkeypatch.setattr(verify_module, "check_apart", check_apart)
    return checked


def segments_of(store: Path) -> list[Path]:
    return sorted((store / "journal").glob("*.jsonl"))


def test_processes_find_the_same(sound: Path) -> None:
    """A sound store is the same to several processes as to one; each of its bytes counts."""
    progress: list[tuple[int, int]] = []
    found = verify(sound, processes=2, on_progress=lambda *read: progress.append(read))

    assert verify(sound) == found
    assert found.records == 48
    assert progress[-1] == (found.bytes, found.bytes)


def test_what_is_checked_apart(sound: Path, in_process: list[str]) -> None:
    """All segments but the last are checked apart, each once."""
    assert verify(sound) == verify(sound, processes=2)
    assert in_process == [str(path) for path in segments_of(sound)[:-1]]


def test_few_segments_are_not(
    sound: Path, in_process: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few segments are checked here: starting processes takes its time."""
    monkeypatch.setattr(verify_module, "APART_MIN", 99)

    assert verify(sound) == verify(sound, processes=2)
    assert in_process == []


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("place", [0, 1, 2, -2, -1])
@pytest.mark.parametrize("offset", [0, 5, 400, 700, -3])
def test_a_flipped_bit(store: Path, in_process: list[str], place: int, offset: int) -> None:
    """A flipped bit in any segment is found, and the same is said of it."""
    flip(segments_of(store)[place], offset)
    found = verify(store, processes=2)

    assert found.damage
    assert verify(store) == found


def swap(store: Path) -> None:
    paths = segments_of(store)
    first, second = paths[1].read_bytes(), paths[2].read_bytes()
    paths[1].write_bytes(second)
    paths[2].write_bytes(first)


def repeat_id(store: Path) -> None:
    """Give a decision an id that another one of its scope has, with right checksums."""
    path = segments_of(store)[-1]
    content = path.read_bytes()
    first = segments_of(store)[0].read_bytes()
    old = content.index(b'"id":"')
    scope = content[content.index(b'"scope":"') :].split(b",")[0]
    line = next(line for line in first.split(b"\n") if scope in line)
    new = line[line.index(b'"id":"') :]
    changed = content[: old + 6] + new[6:42] + content[old + 42 :]
    begin = changed.rindex(b"\n", 0, old) + 1
    end = changed.index(b"\n", old)
    body = changed[begin : end - CRC_BYTES]
    path.write_bytes(changed[:begin] + with_crc(body) + changed[end + 1 :])


@pytest.mark.parametrize(
    "damage",
    [
        swap,
        repeat_id,
        lambda store: segments_of(store)[1].unlink(),
        lambda store: segments_of(store)[1].write_bytes(b""),
        lambda store: segments_of(store)[2].write_bytes(segments_of(store)[1].read_bytes()),
        lambda store: segments_of(store)[1].write_bytes(
            segments_of(store)[1].read_bytes().split(b'{"cut"')[0]
        ),
        lambda store: (store / "store.json").unlink(),
        lambda store: (store / "journal" / "notes.txt").write_bytes(b"hello"),
        lambda store: segments_of(store)[1].write_bytes(
            segments_of(store)[1].read_bytes().partition(b"\n")[2]
        ),
    ],
)
def test_damage(store: Path, in_process: list[str], damage: Callable[[Path], object]) -> None:
    """Whatever else is wrong is found, and the same is said of it."""
    damage(store)
    found = verify(store, processes=2)

    assert found.damage
    assert verify(store) == found


def facts(sound: Path) -> tuple[Chain, list[str], list[CheckedSegment]]:
    """A chain before all segments, and what was found of some."""
    paths = segments_of(sound)[:4]
    found = [check_segment(str(path)) for path in paths]
    checked = [segment for segment in found if segment is not None]
    assert len(checked) == 4
    header = checked[0].header
    return Chain(header.store, header.history), [path.name for path in paths], checked


def test_segments_that_fit(sound: Path) -> None:
    """Segments that continue each other move the chain on to where the last one ends."""
    chain, names, segments = facts(sound)
    told: list[CheckedSegment] = []
    keys = joined(chain, names, iter(segments), told.append)

    assert keys is not None
    assert told == segments
    assert (chain.segment, chain.position) == (4, segments[-1].last)
    assert (chain.value, chain.at) == (segments[-1].commit, segments[-1].last_at)
    assert set(chain.sequences) == {"lot-1", "lot-2"}


@pytest.mark.parametrize(
    "change",
    [
        lambda s: None,
        lambda s: attrs.evolve(s, first_at="2000"),
        lambda s: attrs.evolve(s, sequences={**s.sequences, "lot-1": (1, 2)}),
        lambda s: attrs.evolve(s, sequences={"lot-9": (2, 2)}),
        lambda s: attrs.evolve(s, proposals=s.proposals + s.proposals[:1]),
    ],
)
def test_segments_that_do_not(
    sound: Path, change: Callable[[CheckedSegment], CheckedSegment | None]
) -> None:
    """A segment that is wrong, or does not continue what is before it, is not believed."""
    chain, names, segments = facts(sound)
    changed = [*segments[:2], change(segments[2]), segments[3]]

    assert joined(chain, names, iter(changed), lambda segment: None) is None


def test_keys_are_the_same_everywhere() -> None:
    """The key of a proposal does not depend on the process, and tells scopes apart."""
    assert verify_apart.proposal_key("lot-1", "a") == 0x15FEA255FA105C50
    assert verify_apart.proposal_key("lot-1", "a") != verify_apart.proposal_key("lot-2", "a")
