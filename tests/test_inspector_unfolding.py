"""Which nodes are unfolded, and the rows that makes."""

from __future__ import annotations

import pytest

from inspector.model.json_tree import label
from inspector.model.unfolding import ROWS_MAX, Opened, Unfolding, section


def unfolding(*texts: bytes, opened: Opened | None = None) -> Unfolding:
    """Make rows of sections called a, b, c."""
    sections = [section(name, text) for name, text in zip("abc", texts, strict=False)]
    return Unfolding(sections, Opened() if opened is None else opened)


def rows_of(tree: Unfolding) -> list[str]:
    """Each row: its depth in blanks, its name, and whether it is open."""
    return [
        " " * row.depth
        + (row.section.name if row.depth == 0 or row.node is None else label(row.node))
        + ("-" if row.is_open else "+" if row.can_open else "")
        for row in tree.rows
    ]


TEXT = b'{"x":{"y":[1,2]},"z":3}'


def test_unfolding_and_folding() -> None:
    """A row is unfolded into what is in it, and folded with all that was open there."""
    tree = unfolding(TEXT, b"[]")
    assert ["a+", "b"] == rows_of(tree)

    assert tree.unfold(0)
    assert tree.unfold(1)
    assert tree.unfold(2)
    assert ["a-", " x-", "  y-", "   0", "   1", " z", "b"] == rows_of(tree)
    assert tree.fold(1)
    assert ["a-", " x+", " z", "b"] == rows_of(tree)

    assert not tree.fold(1)
    assert not tree.unfold(2)
    assert not tree.unfold(3)
    assert tree.unfold(1)
    assert ["a-", " x-", "  y+", " z", "b"] == rows_of(tree)


def test_all_at_once() -> None:
    """All can be unfolded, all in one row, and all but the sections folded."""
    tree = unfolding(TEXT, b'[{"k":0}]')
    assert tree.unfold_all()
    everything = ["a-", " x-", "  y-", "   0", "   1", " z", "b-", " 0-", "  k"]
    assert everything == rows_of(tree)

    tree.fold_all()
    assert ["a-", " x+", " z", "b-", " 0+"] == rows_of(tree)
    assert tree.unfold_all(1)
    assert ["a-", " x-", "  y-", "   0", "   1", " z", "b-", " 0+"] == rows_of(tree)


def test_what_is_open_is_carried_over() -> None:
    """Another text shows open what was open, also after one that lacked it."""
    tree = unfolding(TEXT)
    tree.unfold_all()

    lacking = unfolding(b'{"x":5,"w":{"v":1}}', opened=tree.opened)
    assert ["a-", " x", " w+"] == rows_of(lacking)
    again = unfolding(b'{"w":[1],"x":{"u":{"t":0},"y":[1]}}', opened=tree.opened)
    assert ["a-", " w+", " x-", "  u+", "  y-", "   0"] == rows_of(again)


def test_places() -> None:
    """A place is found again in another text, or what is nearest around it."""
    tree = unfolding(TEXT)
    tree.unfold_all()
    place = tree.place(4)

    assert [None, 0, 1, 2, 2, 0] == [tree.parent(index) for index in range(6)]
    assert list(range(6)) == [tree.find(tree.place(index)) for index in range(6)]
    other = unfolding(b'{"new":0,"x":{"y":[1]}}', opened=tree.opened)
    assert ["a-", " new", " x-", "  y-", "   0"] == rows_of(other)
    assert 3 == other.find(place)
    assert 0 == unfolding(b"5").find(place)
    assert 0 == unfolding().find(())


def test_doubled_keys() -> None:
    """Members with the same key are folded one by one."""
    tree = unfolding(b'{"k":[1],"k":[2],"k":3}')
    tree.unfold(0)
    tree.unfold(2)

    assert ["a-", " k+", " k-", "  0", " k"] == rows_of(tree)
    assert [0, 1] == [row.key[1] for row in tree.rows[1:3]]
    assert 2 == tree.find(tree.place(2))


def test_what_is_no_json() -> None:
    """It is one row that cannot be unfolded."""
    tree = unfolding(b"\x1b{", b"1")

    assert tree.unfold_all()
    assert ["a", "b"] == rows_of(tree)


def test_a_long_array() -> None:
    """It is unfolded into ranges, which are told apart when another text comes."""
    text = b"[%b]" % b",".join(b"%d" % n for n in range(2_500))
    tree = unfolding(text)
    tree.unfold(0)
    tree.unfold(2)

    assert 4 + 1_000 == len(tree.rows)
    again = unfolding(text, opened=tree.opened)
    assert [row.key for row in tree.rows] == [row.key for row in again.rows]


@pytest.mark.parametrize(
    "text", [b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 9_999 + b"1" + b"}" * 9_999]
)
def test_deep(text: bytes) -> None:
    """Neither depth nor the way to the deepest is too much."""
    tree = unfolding(text)

    assert tree.unfold_all()
    assert 10_000 == len(tree.rows)
    assert 9_999 == tree.find(tree.place(9_999))
    assert 10_000 == len(unfolding(text, opened=tree.opened).rows)
    assert tree.fold(0)
    assert 1 == len(tree.rows)


def test_too_much() -> None:
    """Unfolding all ends at some number of rows, and says so; the rest can be unfolded."""
    tree = unfolding(b"[%b]" % b",".join([b'[{"x":[1,2,3]}]'] * 9_000))

    assert not tree.unfold_all()
    assert ROWS_MAX <= len(tree.rows) < ROWS_MAX + 1_010
    folded = next(i for i, row in enumerate(tree.rows) if row.can_open and not row.is_open)
    assert tree.unfold(folded)
    assert ROWS_MAX + 1_010 > len(Unfolding([tree.rows[0].section], tree.opened).rows)
