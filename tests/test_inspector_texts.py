"""Texts of strangers, made safe to show."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from inspector.model.texts import MARKS_MAX, cells_of, fitted, take, visible

anything = st.text(st.characters(exclude_categories=()), max_size=40)
nasty = st.text(
    st.sampled_from("a界e\u0301\u200d\u202e\x1b\x9b\0\ud800\ufe0f❤👩\U000e0041\u3164\n"),
    max_size=40,
)
texts = anything | nasty
widths = st.integers(0, 30)

HARMLESS = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs",
            "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So"}  # fmt: skip


class TestVisible:
    """One line of so many cells, and nothing in it that a terminal obeys."""

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("lot 42", "lot 42"),
            ("a\nb\tc\x1b[31m\0\x7f", "a␊b␉c␛[31m␀␡"),
            ("\x9b31m", "⟨U+009B⟩31m"),
            ("a\u202eb\u2066c\u200bd\ufeff", "a⟨U+202E⟩b⟨U+2066⟩c⟨U+200B⟩d⟨U+FEFF⟩"),
            ("\u2028\u2029\ud800\ue000\u0378", "⟨U+2028⟩⟨U+2029⟩⟨U+D800⟩⟨U+E000⟩⟨U+0378⟩"),
            ("\u3164\u2800\U000e0041", "⟨U+3164⟩⟨U+2800⟩⟨U+E0041⟩"),
            ("e\u0301\u0302\u0303\u0304x\u0301", "e\u0301\u0302x\u0301"),
            ("\u0301a", "◌\u0301a"),
            ("❤\ufe0f a\ufe0f", "❤ a⟨U+FE0F⟩"),
            ("世界 é ß", "世界 é ß"),
            ("[/x][@click=app.quit]", "[/x][@click=app.quit]"),
            (b"caf\xc3\xa9 \xff", "café �"),
        ],
    )
    def test_what_cannot_be_seen_has_a_stand_in(self, text: str | bytes, shown: str) -> None:
        """Controls have their pictures, and all else that is invisible its number."""
        assert shown == visible(text, 80)

    @pytest.mark.parametrize(
        ("cells", "shown"),
        [(-1, ""), (0, ""), (1, "…"), (2, "a…"), (3, "a…"), (4, "a世…"), (5, "a世界")],
    )
    def test_what_is_too_long_is_cut(self, cells: int, shown: str) -> None:
        """A character of two cells is never cut in two: there is one cell less then."""
        assert shown == visible("a世界", cells)

    @pytest.mark.parametrize("text", ["x" * 6, "x" * 5 + "é"])
    def test_it_fits_to_the_cell(self, text: str) -> None:
        """What just fits is not cut; one cell less, and it is."""
        assert text == visible(text, 6)
        assert "xxxx…" == visible(text, 5)

    @given(texts, widths)
    @example("\ud800" * 5, 8)
    @example("\u0301" * 300, 1)
    def test_nothing_dangerous_comes_through(self, text: str, cells: int) -> None:
        """Only what can be seen comes out, never wider than it may be."""
        shown = visible(text, cells)

        assert {unicodedata.category(character) for character in shown} <= HARMLESS
        assert cell_len(shown) <= cells
        assert cell_len(shown) == cells_of(shown)
        assert visible(shown, cells) == shown

    @given(texts, widths)
    def test_bytes_and_text_look_alike(self, text: str, cells: int) -> None:
        """A text's UTF-8 shows as the text does."""
        text = text.encode("utf-8", "replace").decode()

        # Bytes are cut at another place, which may leave fewer characters to be looked at.
        if len(text.encode()) <= (cells + 1) * 8:
            assert visible(text, cells) == visible(text.encode(), cells)

    @given(st.binary(max_size=60), widths)
    def test_any_bytes_will_do(self, data: bytes, cells: int) -> None:
        """Bytes that are no text are shown as what they are not."""
        assert cell_len(visible(data, cells)) <= cells

    def test_a_long_text_is_not_read(self) -> None:
        """Of a text only as much is looked at as could be shown."""

        class Counted(str):
            __slots__ = ()

            def __getitem__(self, key: object) -> str:
                assert isinstance(key, slice)
                assert key.stop < 1_000
                return super().__getitem__(key)

            def __iter__(self) -> object:  # type: ignore[override]  # nobody may call it
                raise AssertionError("the whole text is gone through")

        assert "é" * 79 + "…" == visible(Counted("é" * 1_000_000), 80)
        assert "x" * 79 + "…" == visible(Counted("x" * 1_000_000), 80)

    def test_marks_do_not_pile_up(self) -> None:
        """A million marks on one character are a few, and the cut is shown."""
        shown = visible("e" + "\u0301" * 1_000_000, 80)

        assert "e" + "\u0301" * MARKS_MAX + "…" == shown

    def test_a_character_that_is_cut_through_is_no_fault(self) -> None:
        """Bytes are looked at up to somewhere: what ends there is not shown as broken."""
        for more in range(4):
            data = b"x" * more + ("e" + "\u0301" * 1_000).encode()

            assert "�" not in visible(data, 8)


class TestTake:
    """As much as fits."""

    @given(texts, st.integers(11, 30))
    def test_pieces_are_the_whole(self, text: str, cells: int) -> None:
        """Taken piece by piece, no character is lost and none comes twice."""
        offset, taken = 0, []
        while offset < len(text):
            _, end = take(text, cells, offset)
            assert end > offset
            taken.append(text[offset:end])
            offset = end

        assert text == "".join(taken)


class TestFitted:
    """Cells of a table."""

    @given(texts, widths, st.booleans())
    def test_it_is_exactly_as_wide_as_asked(self, text: str, cells: int, is_right: bool) -> None:
        """Cut or filled up, with wide characters or without."""
        assert cells == cell_len(fitted(text, cells, is_right=is_right))

    def test_blanks_are_where_they_belong(self) -> None:
        """Behind a text, or before a number."""
        assert "ab  " == fitted("ab", 4)
        assert "  42" == fitted("42", 4, is_right=True)
