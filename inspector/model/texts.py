"""
Texts of strangers made safe to show, by terminal cells.

A terminal obeys some characters instead of showing them, gives no place to others, and
sets some against the direction of reading. None of these is let through: something that
can be seen stands in its place. What comes out holds no character that joins others or
changes their width, so its width is the sum of its characters' widths.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from rich.cells import get_character_cell_size

ELLIPSIS: Final = "…"
"""Ends what was cut."""

MARKS_MAX: Final = 2
"""How many marks without a width may sit on one character; others are left out."""

_LOOKED_AT: Final = 8
"""How many characters are looked at for each cell, at most: marks may take no cells."""

_SIMPLE: Final = re.compile(rf"[ -~{ELLIPSIS}]*+")
"""What nearly all texts are made of: each character is shown as it is, and takes a cell."""

_BASE: Final = "◌"
"""What a mark sits on that begins a text, or it would sit on the frame beside it."""

_NO_TEXT: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Categories of Unicode that nobody can see, or no two terminals show alike."""

_BLANK_LETTERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""What counts as a letter or a mark and cannot be seen."""

_SELECTORS: Final = frozenset("\ufe0e\ufe0f")
"""They choose how the symbol before them is drawn, and how wide: not where all must fit."""


def visible(text: str | bytes, cells_max: int) -> str:
    """
    Give the beginning of a text as one line that is safe to show.

    Args:
      text: anything; bytes are read as UTF-8. Only as much of it is looked at as could be
        shown, however long it is.
      cells_max: how many cells of a terminal it may take; what is longer ends with ``…``.
    """
    if cells_max <= 0:
        return ""
    beginning, is_all = _beginning(text, cells_max)
    if _SIMPLE.fullmatch(beginning):
        if is_all and len(beginning) <= cells_max:
            return beginning
        return beginning[: cells_max - 1] + ELLIPSIS
    shown, taken = take(beginning, cells_max)
    if is_all and taken == len(beginning):
        return shown
    return take(beginning, cells_max - 1)[0] + ELLIPSIS


def take(text: str, cells_max: int, start: int = 0) -> tuple[str, int]:
    """
    Make as much of a text visible as fits, from `start`.

    Returns:
      What is to be shown, and where in the text the rest begins.
    """
    parts: list[str] = []
    cells = marks = 0
    before = ""
    for index in range(start, len(text)):
        character = text[index]
        stand_in, width = _stand_in(character)
        if width == 0:
            if character in _SELECTORS:
                is_symbol = before and unicodedata.category(before) == "So"
                stand_in, width = ("", 0) if is_symbol else _numbered(character)
            elif not before:
                stand_in, width = _BASE + stand_in, 1
            else:
                marks += 1
                if marks > MARKS_MAX:
                    continue
        if width:
            marks = 0
            before = character
        cells += width
        if cells > cells_max:
            return "".join(parts), index
        parts.append(stand_in)
    return "".join(parts), len(text)


def cells_of(text: str) -> int:
    """Count the cells of a text that was made visible."""
    if _SIMPLE.fullmatch(text):
        return len(text)
    return sum(map(get_character_cell_size, text))


def fitted(text: str | bytes, cells: int, *, is_right: bool = False) -> str:
    """Make a text visible, exactly so many cells wide: cut, or filled up with blanks."""
    shown = visible(text, cells)
    blanks = " " * (cells - cells_of(shown))
    return blanks + shown if is_right else shown + blanks


def _beginning(text: str | bytes, cells_max: int) -> tuple[str, bool]:
    """As much of a text as could matter, decoded, and whether that is all."""
    length = (cells_max + 1) * _LOOKED_AT
    if isinstance(text, str):
        return text[:length], len(text) <= length
    beginning = text[:length].decode("utf-8", "replace")
    if len(text) <= length:
        return beginning, True
    # The last character may be cut through: it is not the text's fault.
    return beginning.rstrip("\ufffd"), False


@lru_cache(maxsize=4096)
def _stand_in(character: str) -> tuple[str, int]:
    """What is shown for a character, and its cells."""
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code), 1
    if code == 0x7F:
        return "␡", 1
    if unicodedata.category(character) in _NO_TEXT or character in _BLANK_LETTERS:
        return _numbered(character)
    return character, get_character_cell_size(character)


def _numbered(character: str) -> tuple[str, int]:
    name = f"⟨U+{ord(character):04X}⟩"
    return name, len(name)
