"""The commands of the palette: what the keys do, and what has no key."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from textual.app import App, SystemCommand
from textual.screen import Screen

from .screens.help import keys_of


def commands_of(app: App[None], screen: Screen[Any]) -> Iterable[SystemCommand]:
    """Give what can be done on a screen now."""
    for key in keys_of(screen):
        if key.is_for_palette:
            does = partial(app.run_action, key.action, key.node)
            words = "" if key.words == key.name else f"{key.words}. "
            yield SystemCommand(key.name, f"{words}Key: {key.keys}", does)
