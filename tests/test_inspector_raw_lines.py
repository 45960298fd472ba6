"""Long texts as lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from inspector.model import raw_lines
from inspector.model.raw_lines import RawLines


def shown(data: bytes, cells: int) -> list[str]:
    """All lines."""
    lines = RawLines(data, cells)
    return [lines.line(index) for index in range(lines.count)]


def test_lines_end_where_the_text_says() -> None:
    """At newlines, also two of them and one at the end."""
    assert ["a", "", "b", ""] == shown(b"a\n\nb\n", 20)
    assert [""] == shown(b"", 20)


def test_full_lines_go_on_below() -> None:
    """By cells, not by characters; a line that is just full is not followed by an empty one."""
    assert ["x" * 20, "x" * 5] == shown(b"x" * 25, 20)
    assert ["x" * 20] == shown(b"x" * 20, 20)
    assert ["世" * 10, "世"] == shown(("世" * 11).encode(), 20)
    assert ["世" * 10, "世"] == shown(("世" * 11).encode(), 21)


def test_controls_are_seen() -> None:
    """What a terminal would obey has stand-ins, which take their room."""
    assert ["␛[31m⟨U+202E⟩", "xyz"] == shown("\x1b[31m\u202exyz".encode(), 13)


def test_the_widest_stand_in_fits() -> None:
    """In a terminal that is too narrow for it, a line is wider, and nothing is passed by."""
    assert ["⟨U+202E⟩", "⟨U+E0041⟩"] == shown("\u202e\U000e0041".encode(), 1)


@given(
    st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n\u0301\x1b世")),
    st.integers(1, 40),
)
def test_nothing_is_lost_and_nothing_too_wide(text: str, cells: int) -> None:
    """Each plain character is on one line, in order, and each line fits."""
    lines = shown(text.encode(), cells)

    assert max(map(cell_len, lines)) <= max(cells, 11)
    plain = [c for c in text if c.isascii() and c.isalnum()]
    is_odd = any(not ((c.isascii() and c.isprintable()) or c == "\n") for c in text)
    assert is_odd or plain == [c for line in lines for c in line if c.isalnum()]


def test_it_ends_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is longer than anybody reads, the beginning is shown, and how much is not."""
    monkeypatch.setattr(raw_lines, "TEXT_BYTES_MAX", 100)
    lines = RawLines(b"x" * 150, 80)

    assert 50 == lines.left_out_bytes
    assert ["x" * 80, "x" * 20] == [lines.line(0), lines.line(1)]


def test_marks_go_on_below() -> None:
    """A million marks on one character are many lines of little, not one of a million."""
    lines = RawLines(("e" + "\u0301" * 100_000).encode(), 20)

    assert lines.count > 100
    assert all(len(lines.line(index)) < 200 for index in range(lines.count))
