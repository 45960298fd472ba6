"""The guide to the inspector names keys and commands that there are."""

from __future__ import annotations

import re
from typing import Any

import click
import pytest
from textual.binding import Binding

from atomic_store.cli import atomic_store
from command_line import ROOT
from inspector.app import Inspector
from inspector.screens.base import SourceScreen
from inspector.screens.event import EventScreen
from inspector.screens.events import EventsScreen
from inspector.screens.scopes import ScopesScreen
from inspector.screens.store import StoreScreen
from inspector.widgets.json_view import JsonView
from inspector.widgets.virtual_list import VirtualList
from test_gateway_page import rows

PAGE = (ROOT / "docs" / "inspector.md").read_text("utf-8")
NAMES = {
    "/": "slash", ":": "colon", "?": "question_mark", "⏎": "enter", "esc": "escape",
    "+": "plus", "^p": "ctrl+p",
}  # fmt: skip
"""How keys are called in bindings, if not by what is on them."""


def keys_of(*parts: Any) -> set[str]:
    """The keys that do something in some parts of the app."""
    bindings = [one for part in parts for one in part.BINDINGS]
    assert all(isinstance(one, Binding) for one in bindings)
    return {key for one in bindings for key in one.key.split(",")}


@pytest.mark.parametrize(
    ("heading", "parts"),
    [
        ("## Finding your way", (Inspector, SourceScreen, VirtualList)),
        ("## Scopes", (ScopesScreen,)),
        ("## Events", (EventsScreen,)),
        ("## One event", (EventScreen, JsonView)),
        ("## The store itself", (StoreScreen, SourceScreen)),
    ],
)
def test_keys(heading: str, parts: tuple[Any, ...]) -> None:
    """Each key of a view's table does something there."""
    shown = {
        NAMES.get(word, word)
        for cells in rows(heading, PAGE)
        for word in re.findall(r"`([^`\s]|esc|\^p)`", " ".join(cells))
    }

    assert set() == shown - keys_of(*parts) - {Inspector.COMMAND_PALETTE_BINDING}


@pytest.mark.parametrize(
    "screen", [ScopesScreen, EventsScreen, EventScreen, StoreScreen], ids=lambda one: one.__name__
)
def test_no_key_is_left_out(screen: Any) -> None:
    """The keys that the line at the bottom shows are on the page."""
    named = set(re.findall(r"`([^`\s]+)`", PAGE))

    for one in screen.BINDINGS:
        key = one.key.split(",")[0]
        shown = next((sign for sign, name in NAMES.items() if name == key), key)
        assert not one.show or shown in named, one


def test_commands() -> None:
    """Each command of the last table is one, with the options that are named."""
    for _, cell in rows("## The same as commands", PAGE):
        for name in re.findall(r"`atomic-store (\w+)", cell):
            command = atomic_store.get_command(click.Context(atomic_store), name)
            assert command is not None, name
            known = {option for one in command.params for option in one.opts}
            assert set(re.findall(r"--\w+", cell)) <= known, name
