"""The keys of a screen, for its help."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from inspector.desk import Desk
from inspector.screens.help import HelpScreen, keys_of
from inspector.widgets.virtual_list import VirtualList
from inspector_desks import ToldSource, control_characters, on_screen, text_on


class Odd(Screen[None]):
    """A screen with nothing but a field and a list."""

    __module__ = "inspector.screens.odd"
    HELP = "[/x] [@click=app.quit]say[/]"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b,v", "back", "Back"),
        Binding("y", "no", "[/x]", tooltip="[@click=app.quit]y[/]"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()

    def compose(self) -> ComposeResult:
        """Put them there."""
        yield VirtualList()
        yield Input()


def test_keys() -> None:
    """Keys that do the same stand together; first the screen's own, back last, then the list's."""

    async def use(pilot: Pilot[None], screen: Odd) -> None:
        screen.query_one(VirtualList).focus()
        await pilot.pause()
        keys = keys_of(screen)
        assert ["y", "b v"] == [key.keys for key in keys[:2]]
        parts = [key.name for key in keys if key.is_apart]
        assert 2 == len(parts)
        assert {"palette", "Quit", "Help"} == {key.name for key in keys[-3:]}
        assert "Minimize" not in {key.name for key in keys}

    on_screen(ToldSource(), Odd, use)


def test_hostile_help() -> None:
    """No text of a screen is taken for markup."""

    async def use(pilot: Pilot[None], screen: Odd) -> None:
        await pilot.press("tab")
        for size in ((80, 24), (20, 5), (1, 1), (80, 24)):
            await pilot.app.push_screen(HelpScreen(screen))
            await pilot.resize_terminal(*size)
            assert set() == control_characters(pilot)
            await pilot.press("escape")
        await pilot.app.push_screen(HelpScreen(screen))
        await pilot.pause(0.1)
        assert "[@click=app.quit]say[/]" in text_on(pilot)

    on_screen(ToldSource(), Odd, use)
