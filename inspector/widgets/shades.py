"""Colours between two others: Rich knows none that is half transparent."""

from __future__ import annotations

from typing import Final

from rich.style import Style
from textual.color import Color

FADED: Final = 0.62
"""How much is left of the foreground of what matters less."""


def faded(style: Style, share: float = FADED) -> Style:
    """
    Give a style whose foreground is nearer to its background.

    Args:
      share: from 0, where nothing can be seen any more, to 1, where nothing changes.
    """
    if style.color is None or style.bgcolor is None:
        return style
    fore, back = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
    return style + Style(color=back.blend(fore, share).rich_color)
