"""The ledger finds what a store must never do to records that it has acknowledged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import attrs
import pytest

from campaigns.ledger import Found, Ledger, Line, digest_of, lines_of
from campaigns.raw_files import RawFiles

FIRST = digest_of(0, 1)
SECOND = digest_of(FIRST, 2)

FOUND = [
    Found(1, "a", 1, "id-1", (1, 1), 1, 0, 0),
    Found(2, "a", 2, "id-2", (1, 2), 2, 1, FIRST),
    Found(3, "a", 3, "id-2", (2, 2), 2, 1, FIRST),
    Found(4, "b", 1, "id-3", (1, 1), 3, 0, 0),
]
SAID: list[Line] = [
    ["opened", "after a close"],
    ["proposes", "id-1", "a", 1, 1],
    ["accepted", "id-1", "a", 1, 1],
    ["proposes", "id-2", "a", 2, 2],
    ["accepted", "id-2", "a", 2, 2],
    ["proposes", "id-3", "b", 1, 3],
    ["saw", "a", 1, FIRST],
]


def problems(found: list[Found], *more: Line) -> list[str]:
    """What a ledger finds."""
    ledger = Ledger()
    ledger.hear([*SAID, *more])
    ledger.find(found)
    return ledger.check()


def test_all_is_well() -> None:
    """What was told is there, and what was only proposed may be."""
    assert [] == problems(FOUND)
    assert [] == problems(FOUND[:3])


def without(number: int) -> list[Found]:
    """The records without one, numbered anew by position."""
    left = FOUND[:number] + FOUND[number + 1 :]
    return [attrs.evolve(record, position=k) for k, record in enumerate(left, 1)]


def changed(number: int, **values: object) -> list[Found]:
    """The records with one of them changed."""
    found = [*FOUND]
    found[number] = attrs.evolve(found[number], **values)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: FOUND[:1], "id-2 was acknowledged, and is missing"),
        (lambda: FOUND[:2], "the last decision has 1 of 2 events"),
        (lambda: without(0), "expected sequence 1"),
        (lambda: without(1), "expected sequence 2"),
        (lambda: [*FOUND[:1], *FOUND], "expected position 2"),
        (lambda: changed(3, position=5), "expected position 4"),
        (lambda: changed(3, id="id-9"), "proposed was None"),
        (lambda: changed(3, scope="c"), "proposed was ('b', 1, 3)"),
        (lambda: changed(2, part=(1, 1)), "expected part 2 of 2"),
        (lambda: changed(2, digest=7), "its round had to see 1 records"),
        (lambda: changed(1, seen=0), "its round had to see 1 records"),
        (lambda: [*FOUND[:3], attrs.evolve(FOUND[3], number=8)], "proposed was ('b', 1, 3)"),
        (
            lambda: [*FOUND, attrs.evolve(FOUND[0], position=5, sequence=4, seen=3)],
            "it was admitted before",
        ),
    ],
)
def test_a_broken_promise_is_found(make: Callable[[], list[Found]], expected: str) -> None:
    """Each is named."""
    assert any(expected in problem for problem in problems(make()))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["accepted", "id-1", "a", 2, 1], "id-1 was told ('a', 1, 1), and now ('a', 2, 1)"),
        (["accepted", "id-3", "b", 2, 1], "id-3 was told b 2, and is"),
        (["saw", "a", 4, 0], "a: a result rests on 4 records, not there"),
        (["saw", "a", 2, FIRST], "a: a result rests on 2 records, not there"),
        (["problem", "it rains"], "it rains"),
    ],
)
def test_what_was_said_is_held_against_it(said: Line, expected: str) -> None:
    """A result that rests on records which are not there is a problem, and so is another place."""
    assert any(expected in problem for problem in problems(FOUND, said))


def test_half_a_line_was_not_said() -> None:
    """A process may end within a line."""
    assert [["a", 1]] == lines_of(b'["a", 1]\n["b", ')


def line(body: str) -> bytes:
    """A line as it lies in a segment."""
    text = body.encode()
    return text + b',"crc":"%08x"}\n' % crc32(text)


def record(position: int, *, closes: bool) -> bytes:
    commit = ',"commit":"c"' if closes else ""
    data = '"data":{"number":1,"seen":0,"digest":0}'
    return line(
        f'{{"position":{position},"scope":"a","sequence":{position},"id":"i",{data}{commit}'
    )


def test_only_closed_commits_are_found(tmp_path: Path) -> None:
    """Records are found once their commit is closed and their bytes are right, each once."""
    segment = tmp_path / "journal" / f"{1:020}.jsonl"
    segment.parent.mkdir()
    raw = RawFiles(tmp_path)
    content = record(1, closes=True) + record(2, closes=False)

    segment.write_bytes(content + record(3, closes=True).replace(b"number", b"numbre"))
    assert [1] == [found.position for found in raw.new()]
    assert [] == raw.new()
    segment.write_bytes(content + record(3, closes=True))
    assert [2, 3] == [found.position for found in raw.new()]
    second = tmp_path / "journal" / f"{4:020}.jsonl"
    second.write_bytes(line('{"format":1,"commit":"c"') + record(4, closes=True))
    assert [4] == [found.position for found in raw.new()]
