"""What is there to look at: the places of late, any other one, or a demo."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Final, final

import attrs
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Key
from textual.screen import Screen
from textual.suggester import Suggester
from textual.widgets import Input, Label
from textual.worker import Worker

from ..bridge import Bridge, BridgeClosed
from ..model.habits import Place
from ..model.scope_columns import since
from ..model.texts import fitted
from ..sources.places import completed, is_there
from ..widgets.keys_line import KeysLine
from ..widgets.top_bar import TopBar
from ..widgets.virtual_list import Line, Part, VirtualList

HINT: Final = "the directory of a store, or a gateway: wss://…"
DEMO: Final = "a demo: an auction, held while you look at it"
PLACE_CHARACTERS_MAX: Final = 4_096
AGO_CELLS: Final = 13
STATE_CELLS: Final = 7


@final
@attrs.frozen
class Choices:
    """What becomes of what is chosen."""

    open: Callable[[str], None]
    demo: Callable[[], None]
    forget: Callable[[str], None]


@final
@attrs.define(eq=False)
class PlaceLines:
    """The places of late as lines of a `VirtualList`, and the demo as the last one."""

    places: Sequence[Place] = ()
    states: dict[str, tuple[str, str]] = attrs.Factory(dict)
    """What is known of a place: a word, and its look."""

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self.places) + 1

    def place(self, index: int) -> str | None:
        """Give the place of a line; None for the demo."""
        return self.places[index].place if index < len(self.places) else None

    def title(self, cells: int) -> Line:
        """Name the columns."""
        name = "looked at lately" if self.places else "nothing has been looked at yet"
        return self._line(cells, Part(name), "last time" if self.places else "", Part(""))

    def line(self, index: int, cells: int) -> Line:
        """Show a place: where, when it was looked at, and whether it is there."""
        if index >= len(self.places):
            return self._line(cells, Part(DEMO, "key"), "", Part(""))
        place = self.places[index]
        word, look = self.states.get(place.place, ("", ""))
        ago = since(place.at, datetime.now(UTC))
        name = Part(place.place, "dim" if look == "warning" else "name")
        return self._line(cells, name, ago, Part(word, look))

    def wants(self, first: int, last: int) -> None:
        """They are all here."""

    def _line(self, cells: int, name: Part, ago: str, state: Part) -> Line:
        room = cells - AGO_CELLS - STATE_CELLS - 8
        if room < 20:
            return (Part(f" {fitted(name.text, max(1, cells - 2))}", name.look),)
        return (
            Part(f"  {fitted(name.text, room)}  ", name.look),
            Part(f"{fitted(ago, AGO_CELLS, is_right=True)}  ", "dim"),
            Part(fitted(state.text, STATE_CELLS), state.look),
        )


@final
class _Directories(Suggester):
    """Completes what is typed with what there is."""

    def __init__(self, bridge: Bridge) -> None:
        # What there is may change.
        super().__init__(use_cache=False, case_sensitive=True)
        self._bridge = bridge

    async def get_suggestion(self, value: str) -> str | None:
        """Give the first directory that begins so."""
        try:
            return await self._bridge.call(completed, value)
        except BridgeClosed:
            return None


class PlaceInput(Input):
    """A field for a path or a URL; tab completes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", show=False),
        Binding("escape,down", "leave", "To the list", show=False),
    ]

    def action_complete(self) -> None:
        """Take what is suggested."""
        self.cursor_position = len(self.value)
        self.action_cursor_right()

    def action_leave(self) -> None:
        """Go to the list."""
        self.screen.query_one(VirtualList).focus()


class PickerScreen(Screen[None]):
    """
    Asks what to look at.

    Args:
      bridge: to where it is found out what is there.
      places: those of late, the last one first.
      choices: what becomes of what is chosen.
    """

    HELP = """
    Choose a store that was looked at before, or type the path of another one, or the URL of a
    gateway. The demo makes a store in a temporary directory, and removes it at the end.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "type", "Open another", tooltip="Type a path or a URL"),
        Binding("d", "demo", "Demo", tooltip="Look at a demo"),
        Binding("x,delete", "forget", "Forget", key_display="x", tooltip="Forget this place"),
    ]

    DEFAULT_CSS = """
    PickerScreen {
        #field {
            height: 3; padding: 1 1;
            & Label {
                width: auto; padding: 0 1;
                background: $panel; color: $text-accent; text-style: bold;
            }
            & Input { width: 1fr; border: none; height: 1; padding: 0 1 0 0; background: $panel; }
        }
        VirtualList { height: 1fr; }
        &.-short #field { height: 1; padding: 0; }
    }
    """

    def __init__(self, bridge: Bridge, places: Sequence[Place], choices: Choices) -> None:
        super().__init__()
        self._bridge = bridge
        self._choices = choices
        self._lines = PlaceLines(places)

    def compose(self) -> ComposeResult:
        """Put the field above the places."""
        yield TopBar()
        with Horizontal(id="field"):
            yield Label(Content("open"))
            yield PlaceInput(
                placeholder=HINT,
                suggester=_Directories(self._bridge),
                max_length=PLACE_CHARACTERS_MAX,
                select_on_focus=False,
            )
        yield VirtualList(self._lines)
        yield KeysLine()

    def on_mount(self) -> None:
        """Show what is known, and look what is there."""
        self.query_one(TopBar).place = "atomic_store: what do you want to look at?"
        self._list.focus()
        _: Worker[None] = self.run_worker(self._look, exit_on_error=False)

    @property
    def _list(self) -> VirtualList:
        return self.query_one(VirtualList)

    async def _look(self) -> None:
        places = [place.place for place in self._lines.places]
        await asyncio.gather(*map(self._look_at, places))

    async def _look_at(self, place: str) -> None:
        try:
            found = await self._bridge.call(is_there, place)
        except (BridgeClosed, OSError, ValueError):
            return
        self._lines.states[place] = {
            True: ("", ""), False: ("gone", "warning"), None: ("gateway", "good"),
        }[found]  # fmt: skip
        self._list.changed()

    # --- choosing ----------------------------------------------------------------------------

    @on(VirtualList.Opened)
    def _opened(self, event: VirtualList.Opened) -> None:
        place = self._lines.place(event.index)
        if place is None:
            self._choices.demo()
        else:
            self._choices.open(place)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if place := event.value.strip():
            self._choices.open(place)

    def action_demo(self) -> None:
        """Look at a demo."""
        self._choices.demo()

    def action_forget(self) -> None:
        """Forget the place under the cursor."""
        place = self._lines.place(self._list.cursor)
        if place is not None:
            self._choices.forget(place)
            self._lines.places = [p for p in self._lines.places if p.place != place]
            self._list.changed()

    def action_type(self) -> None:
        """Go to the field."""
        self.query_one(PlaceInput).focus()

    def on_key(self, event: Key) -> None:
        """Whoever begins to type a path means the field."""
        field = self.query_one(PlaceInput)
        if event.character in {"/", "~", "."} and not field.has_focus:
            event.stop()
            field.focus()
            field.insert_text_at_cursor(event.character)
