"""Rows of JSON trees, as they are drawn."""

from __future__ import annotations

import pytest

from inspector.model.texts import cells_of
from inspector.model.unfolding import Opened, Unfolding, section
from inspector.widgets.json_view import path_at, row_line


def drawn(text: bytes, cells: int = 40, name: str = "data") -> list[str]:
    """All rows of a text, as they are drawn, unfolded."""
    tree = Unfolding([section(name, text)], Opened())
    tree.unfold_all()
    lines = [row_line(row, cells) for row in tree.rows]
    assert all(cells_of("".join(part.text for part in line)) <= max(cells, 12) for line in lines)
    return ["".join(part.text for part in line) for line in lines]


def test_each_kind() -> None:
    """Keys, indexes, texts, numbers, constants; what is empty can be seen and not be unfolded."""
    text = b'{"a":"x","b":[1,true],"c":null,"d":{},"e":[],"":0}'
    assert [
        " ▾ data",
        '     a: "x"',
        "   ▾ b",
        "       0: 1",
        "       1: true",
        "     c: null",
        "     d: {}",
        "     e: []",
        '     "": 0',
    ] == drawn(text)


def test_folded() -> None:
    """What is folded shows what is in it, as much as there is room for."""
    tree = Unfolding([section("data", b'{"a":[1,2],"b":"%b"}' % (b"x" * 500))], Opened())

    (line,) = [row_line(row, 30) for row in tree.rows]

    assert " ▸ data  {a=[1 2] b=xxxxxxx…}" == "".join(part.text for part in line)


def test_doubled_keys() -> None:
    """A key that is there again says so."""
    assert [" ▾ data", "     k: 1", "     k (2): 2", "     k (3): 3"] == drawn(
        b'{"k":1,"k":2,"k":3}'
    )


def test_deep() -> None:
    """What is too deep to be indented says how deep it is."""
    lines = drawn(b"[" * 1_500 + b"1" + b"]" * 1_500)

    assert " ▾ data" == lines[0]
    assert "         ▾ 0" == lines[4]
    assert [f"{n:>12,} ▾ 0" for n in (7, 999)] == [lines[7], lines[999]]
    assert "       1,500   0: 1" == lines[1_500]


@pytest.mark.parametrize("cells", [11, 20, 80])
def test_what_is_no_json(cells: int) -> None:
    """It is shown as it is, and harmless."""
    (line,) = drawn(b"\x1b[31m" + b"x" * 500, cells)

    assert "\x1b" not in line
    assert ("no JSON: ␛" if cells == 80 else "data: …" if cells == 11 else "data: ␛") in line


@pytest.mark.parametrize("cells", range(1, 40))
def test_any_width(cells: int) -> None:
    """Wherever there is room for a mark, nothing is wider than the line."""
    text = '{"漢字":{"漢字":["漢字",1.5,{"k":1,"k":2}]}}'.encode()
    tree = Unfolding([section("data", text)], Opened())
    tree.unfold_all()
    for row in tree.rows:
        assert "\x1b" not in "".join(part.text for part in row_line(row, cells))


def test_paths() -> None:
    """As in a filter: from the root that a filter knows, and with quotes where keys are odd."""
    tree = Unfolding(
        [section("data", b'{"a":[{"[/x]":1}]}'), section("envelope", b'{"type":"Bid"}')],
        Opened(),
    )
    tree.unfold_all()

    assert [
        "data", "data.a", "data.a[0]", 'data.a[0]["[/x]"]', "envelope", "type",
    ] == [path_at(row) for row in tree.rows]  # fmt: skip


def test_the_path_of_a_range() -> None:
    """A range says from where to where it goes."""
    tree = Unfolding([section("data", b"[%b0]" % (b"0," * 1_500))], Opened())
    tree.unfold(0)

    assert ["data", "data 0 … 999", "data 1,000 … 1,500"] == [path_at(row) for row in tree.rows]
