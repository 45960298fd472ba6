"""Every changed bit of a small store is found by `verify`, and located."""

from __future__ import annotations

import pytest

from atomic_store.testing.faulty_disk import FaultyDisk
from campaigns.flips import (
    Change,
    Finding,
    byte_changes,
    checked_files,
    complaint,
    complaints,
    line_changes,
    opened,
    small,
    verified,
)
from journal_files import STORE, segment

pytestmark = pytest.mark.no_cover
"""It goes again and again through what other tests have covered."""

FILES = [f"{STORE}/store.json", segment(1), segment(2), segment(4)]


@pytest.fixture(scope="module")
def disk() -> FaultyDisk:
    """The store; each test takes back what it changes."""
    return small()


def test_all_files_are_gone_through(disk: FaultyDisk) -> None:
    """Three segments and store.json."""
    assert sorted(FILES) == sorted(checked_files(disk))
    assert Finding(None) == verified(disk)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.rpartition("/")[2])
def test_every_bit_and_byte(path: str, disk: FaultyDisk) -> None:
    """Flipped, left out or doubled: found in its file, at the beginning of its line."""
    content = checked_files(disk)[path]
    kinds, wrong = complaints(disk, byte_changes(path, content, is_last=path == segment(4)))

    assert [] == wrong
    expected = {"flipped": 8 * len(content), "left out": len(content), "doubled": len(content)}
    assert expected == kinds


def test_any_two_lines(disk: FaultyDisk) -> None:
    """Exchanged within a segment or over two: found where the first one was."""
    segments = {path: content for path, content in checked_files(disk).items() if path in FILES[1:]}
    lines = sum(content.count(b"\n") for content in segments.values())
    kinds, wrong = complaints(disk, line_changes(segments))

    assert [] == wrong
    assert {"exchanged": lines * (lines - 1) // 2} == kinds


def test_opening_refuses_as_well(disk: FaultyDisk) -> None:
    """One bit of every byte of the last segment, and of store.json; all of them is a campaign."""
    for path in (FILES[0], FILES[-1]):
        content = checked_files(disk)[path]
        flips = [c for c in byte_changes(path, content, is_last=True) if c.what[:6] == "bit 3 "]
        kinds, wrong = complaints(disk, flips, opened)

        assert ({"flipped": len(content)}, []) == (kinds, wrong)


def test_what_is_not_found_is_told(disk: FaultyDisk) -> None:
    """A change that nobody finds, finds elsewhere, or takes for no more than a note."""
    content = checked_files(disk)[segment(2)]
    flip = next(byte_changes(segment(2), content, is_last=False))
    nothing = Change("bit 0 flipped", segment(2), frozenset([0]), ((segment(2), content),))
    cut = Change("byte 0 left out", segment(2), frozenset([0]), flip.contents, is_noted=True)
    told = [complaint(disk, change) for change in (nothing, cut)]
    told.append(complaint(disk, flip, lambda disk: Finding(segment(1))))
    told.append(complaint(disk, flip, lambda disk: Finding(segment(2), 1)))

    assert all(told)
    assert f"bit 0 flipped in {segment(2)}: not found" == told[0]
    assert complaint(disk, flip) is None
