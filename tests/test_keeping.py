"""What is kept of records that can be believed: sequences are the witness."""

from __future__ import annotations

import msgspec
import pytest

from atomic_store.journal.line import RecordLine
from atomic_store.safekeeping.keeping import CutScope, Keeping, Kept, LeftBehind
from atomic_store.safekeeping.left_out import LeftOut
from atomic_store.safekeeping.salvage import Genuine, Place
from journal_files import an_id

PLACE = Place("/file", 0, 1)


def found(
    position: int, scope: str, sequence: int, part: tuple[int, int] | None = None, at: str = "b"
) -> Genuine:
    """A record that can be believed."""
    number = position if part is None else position - part[0]
    record = RecordLine(
        position=position, scope=scope, sequence=sequence, id=an_id(number), at=at, type="Bid",
        part=part, data=msgspec.Raw(b"1"), crc="",
    )  # fmt: skip
    return Genuine(PLACE, record)


def told(*records: Genuine) -> tuple[list[tuple[str, int]], list[tuple[int, str]], Keeping]:
    """What is kept, by scope and sequence; what is left out, by position, and why."""
    keeping = Keeping()
    all_told = [one for record in records for one in keeping.take(record)] + keeping.finish()
    kept = [(r.scope, r.sequence) for one in all_told if isinstance(one, Kept) for r in one.records]
    left = [(one.found.record.position, one.why) for one in all_told if isinstance(one, LeftBehind)]
    return kept, left, keeping


def test_scopes_are_judged_alone() -> None:
    """A hole in one scope ends that one; another, whose sequences go on, is kept."""
    kept, left, keeping = told(
        found(1, "a", 1), found(3, "b", 1), found(4, "a", 3), found(5, "b", 2), found(6, "a", 4)
    )

    assert [("a", 1), ("b", 1), ("b", 2)] == kept
    assert [
        (4, "sequence 2 of its scope cannot be read"),
        (6, "it is behind the hole in its scope, from sequence 2 on"),
    ] == left
    assert (1, 2) == (keeping.jumped, keeping.scopes)
    assert [("a", 1, 2)] == [(c.scope, c.kept, c.left_out) for c in keeping.cut.values()]


def test_a_scope_that_lost_its_beginning() -> None:
    """A scope whose first records are gone is not kept at all; how many is known."""
    kept, left, keeping = told(found(5, "a", 4), found(8, "a", 7))

    assert [] == kept
    assert "sequences 1 to 3 of its scope cannot be read" == left[0][1]
    assert 5 == keeping.jumped


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_decision_is_kept_as_a_whole(lost: int) -> None:
    """If any record of a decision is lost, none of it is kept, and its scope ends before it."""
    parts = [found(1 + k, "a", 1 + k, (k, 3)) for k in (1, 2, 3) if k != lost]
    kept, left, keeping = told(found(1, "a", 1), *parts, found(5, "b", 1), found(6, "a", 5))

    assert [("a", 1), ("b", 1)] == kept
    assert [part.record.position for part in parts] + [6] == [position for position, _ in left]
    assert {"its decision is not whole"} == {why for _, why in left[:2]}
    assert 1 == keeping.jumped


def test_a_decision_at_the_end() -> None:
    """A decision that has only begun is left out."""
    kept, left, _ = told(found(2, "a", 1, (1, 2)))

    assert ([], [(2, "its decision is not whole")]) == (kept, left)


def test_a_sequence_that_is_there_already() -> None:
    """A record that comes a second time is left out, and its scope goes on."""
    kept, left, keeping = told(found(1, "a", 1), found(2, "a", 1), found(3, "a", 2))

    assert [("a", 1), ("a", 2)] == kept
    assert [(2, "its scope goes on with sequence 2")] == left
    assert {} == keeping.cut


def test_a_time_that_goes_back() -> None:
    """Times never fall in a store: a record whose time does is left out, with what follows."""
    kept, left, keeping = told(found(1, "a", 1), found(2, "b", 1, at="a"), found(3, "b", 2))

    assert [("a", 1)] == kept
    assert (2, "its time is before b, of a record before it") == left[0]
    assert CutScope("b", 0, 2).left_out == keeping.cut["b"].left_out


@pytest.mark.parametrize(
    ("text", "scope"),
    [(b"lot-\\u00e9", "lot-\u00e9"), (b"\xff", None), (b"a\\x", None)],
)
def test_what_a_line_seems_to_be(text: bytes, scope: str | None) -> None:
    """Of a line that cannot be read, what is legible is told."""
    line = b'{"position":7,"scope":"%b","sequence":3,"id":"%b"...' % (text, an_id(1).encode())
    one = LeftOut.of_text(PLACE, line, "why")

    assert (7, scope, 3, an_id(1)) == (one.position, one.scope, one.sequence, one.proposal_id)
    assert one.value()["text"].startswith('{"position":7')
    assert LeftOut.of_text(PLACE, b"\0" * 9, "why").value() == {
        "path": "/file", "offset": 0, "line": 1, "why": "why", "text": "\0" * 9,
    }  # fmt: skip
