"""Facts as the lines of a list, at any width."""

from __future__ import annotations

import attrs
import pytest

from inspector.model.facts import Fact, Item, SegmentFact, SegmentTitle, Title
from inspector.model.store_facts import stock_items
from inspector.model.texts import cells_of
from inspector.widgets.fact_lines import FactLines
from test_inspector_store_facts import SEGMENT, STOCK

HOSTILE = "\x1b[31m\x9b2J\u202eevil[/x]\0\ud800" + "界" * 400 + "x" * 1_000_000


def lines(*items: Item) -> FactLines:
    """A list's lines of some items."""
    shown = FactLines()
    shown.show(items, "words")
    return shown


def text(shown: FactLines, index: int, cells: int = 80) -> str:
    """A line's text."""
    return "".join(part.text for part in shown.line(index, cells) or ()).rstrip()


def test_a_fact() -> None:
    """Labels stand below each other, whatever they are; sizes stand to the right."""
    shown = lines(Fact("id", "one"), Fact("a longer label", "two"), Fact("321 B", "three"))

    assert ["  id             one", "  a longer label two", "           321 B three"] == [
        text(shown, n) for n in range(3)
    ]


def test_titles_and_empty_lines() -> None:
    """A title begins further to the left; nothing is nothing."""
    shown = lines(Title("head", "bad"), None)

    assert (" head", "") == (text(shown, 0), text(shown, 1))
    assert ["bad"] == [part.look for part in shown.line(0, 80) or () if part.look]
    assert " words" == "".join(part.text for part in shown.title(80))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (130, "segment size records rate first at last at index"),
        (100, "segment size records rate last at index"),
        (80, "segment size records last at"),
        (60, "segment size records"),
        (30, "segment"),
    ],
)
def test_a_segments_columns(cells: int, expected: str) -> None:
    """As many as there is room for; those that matter most stay."""
    shown = lines(SegmentTitle(), SegmentFact(SEGMENT))

    assert expected.replace(" at", "_at") == " ".join(
        text(shown, 0, cells).replace(" at", "_at").split()
    )
    assert text(shown, 1, cells).split()[0] == SEGMENT.name


def test_a_segments_name_where_there_is_little_room() -> None:
    """Its end says which it is."""
    assert "  …00001.jsonl" == text(lines(SegmentFact(SEGMENT)), 0, 15)


def test_a_rate_that_is_not_known() -> None:
    """Records that came at once have none."""
    assert "/s" not in text(lines(SegmentFact(SEGMENT)), 0, 130)
    later = attrs.evolve(SEGMENT, last_at="2026-11-23T15:04:07.123456Z")
    assert "2.0/s" in text(lines(SegmentFact(later)), 0, 130)


def test_text_to_be_copied() -> None:
    """All of a value, however long it is, and still safe."""
    assert f"  id         {'x' * 300}" == lines(Fact("id", "x" * 300)).text(0)
    assert lines(Fact("id", HOSTILE)).text(0).isprintable()


@pytest.mark.parametrize("cells", [1, 2, 5, 11, 20, 37, 80, 200])
def test_any_width_and_any_text(cells: int) -> None:
    """No line is wider than the screen, and nothing that a terminal obeys is in one."""
    torn = attrs.evolve(
        STOCK, store=HOSTILE, history=HOSTILE, created=HOSTILE, at=HOSTILE,
        segments=(attrs.evolve(SEGMENT, name=HOSTILE, first_at=HOSTILE, last_at=HOSTILE),),
    )  # fmt: skip
    shown = lines(*stock_items(torn, HOSTILE), Title(HOSTILE), Fact(HOSTILE, HOSTILE))
    shown.words = HOSTILE

    for line in [shown.title(cells), *(shown.line(n, cells) or () for n in range(shown.count))]:
        whole = "".join(part.text for part in line)
        assert whole.isprintable()
        assert cells_of(whole.rstrip()) <= max(cells, 12)
