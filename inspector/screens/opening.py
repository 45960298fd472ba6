"""While a place is opened, and when it does not open."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from atomic_store.errors import AtomicStoreError

from ..model.texts import visible
from ..widgets.keys_line import KeysLine
from ..widgets.top_bar import TopBar

WORDS_CELLS_MAX = 2_000
"""How long an error may be on the screen."""


class OpeningScreen(Screen[None]):
    """What is opened; and what is wrong with it, and what to do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "again", "Try again"),
        Binding("p,escape", "app.places", "Places", key_display="p"),
    ]

    def __init__(self, place: str, again: Callable[[], None]) -> None:
        super().__init__()
        self.place = place
        self._again = again
        # Which part of a damaged store was read; None while it does not look like one.
        self._read: float | None = None

    def compose(self) -> ComposeResult:
        """Say what is opened."""
        yield TopBar()
        yield Static(Content("opening …"), id="words")
        yield KeysLine()

    def on_mount(self) -> None:
        """Say where."""
        self.query_one(TopBar).place = self.place
        if self._read is not None:
            self._show_progress()

    def progress(self, done: int, total: int) -> None:
        """Say how far a damaged store was read: all of it is, for what can still be read."""
        self._read = done / max(1, total)
        if self.is_attached and self.is_current:
            self._show_progress()

    def _show_progress(self) -> None:
        # There may be neither, where it comes early or late.
        for bar in self.query(TopBar):
            bar.health, bar.is_well = "damaged", False
        for words in self.query("#words").results(Static):
            words.update(Content(f"looking for what can be read of it … {self._read:.0%}"))

    def failed(self, error: BaseException) -> None:
        """Say why it did not open."""
        known = isinstance(error, AtomicStoreError | OSError | ValueError)
        words = str(error) if known else f"unexpected: {type(error).__name__}: {error}"
        bar = self.query_one(TopBar)
        bar.health, bar.is_well = "not opened", False
        self.query_one("#words", Static).update(Content(visible(words, WORDS_CELLS_MAX)))

    def action_again(self) -> None:
        """Try to open it again."""
        self._again()
