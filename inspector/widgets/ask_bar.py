"""A line to type into: a filter, a place to jump to, a name."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label, Static

from ..model.texts import visible

TEXT_MAX = 4096
"""How long a text may be, in characters."""
TROUBLE_CELLS_MAX = 300
"""How long an error may be on the screen."""


class AskBar(Static):
    """
    A label, a line to type into, and what is wrong with it.

    Hidden until `ask`. `Answered` tells what was typed, `Left` that nothing was wanted.
    """

    DEFAULT_CSS = """
    AskBar {
        height: auto;
        max-height: 4;
        background: $panel;
        padding: 0 1;
        & Horizontal { height: 1; }
        & #label { width: auto; padding-right: 1; color: $text-accent; text-style: bold; }
        & Input { width: 1fr; border: none; height: 1; padding: 0; background: $panel; }
        & Input:focus { border: none; }
        & #trouble { color: $text-error; height: auto; display: none; }
        & #trouble.-any { display: block; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=True),
    ]

    class Answered(Message):
        """Something was typed, and the line was ended."""

        def __init__(self, bar: AskBar, text: str) -> None:
            super().__init__()
            self.bar = bar
            self.text = text

        @property
        def control(self) -> AskBar:
            """The bar."""
            return self.bar

    class Changed(Message):
        """Something is being typed."""

        def __init__(self, bar: AskBar, text: str) -> None:
            super().__init__()
            self.bar = bar
            self.text = text

        @property
        def control(self) -> AskBar:
            """The bar."""
            return self.bar

    class Left(Message):
        """It was left, and nothing is to change."""

        def __init__(self, bar: AskBar) -> None:
            super().__init__()
            self.bar = bar

        @property
        def control(self) -> AskBar:
            """The bar."""
            return self.bar

    def __init__(self, label: str, hint: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._label, self._hint = label, hint
        self.display = False

    def compose(self) -> ComposeResult:
        """Put label, line and error together."""
        with Horizontal():
            yield Label(Content(self._label), id="label")
            yield Input(placeholder=self._hint, max_length=TEXT_MAX, id="input")
        yield Static(id="trouble")

    @property
    def is_asking(self) -> bool:
        """Whether it is on the screen."""
        return self.display

    def ask(self, text: str = "") -> None:
        """Appear, with a text to begin with."""
        self.display = True
        self.trouble("")
        line = self.query_one(Input)
        line.value = text
        line.cursor_position = len(text)
        # At once: what is typed next is for this line, however fast somebody types.
        self.screen.set_focus(line)

    def close(self) -> None:
        """Disappear."""
        self.display = False

    def trouble(self, words: str) -> None:
        """Say what is wrong with what was typed; it stays to be mended."""
        line = self.query_one("#trouble", Static)
        line.set_class(bool(words), "-any")
        line.update(Content(visible(words, TROUBLE_CELLS_MAX)))

    def action_leave(self) -> None:
        """Disappear, and change nothing."""
        self.close()
        self.post_message(self.Left(self))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Tell what was typed."""
        event.stop()
        self.post_message(self.Answered(self, event.value))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell what is being typed."""
        event.stop()
        self.trouble("")
        if self.is_asking:
            self.post_message(self.Changed(self, event.value))

    def on_input_blurred(self, event: Input.Blurred) -> None:
        """A click elsewhere leaves it."""
        event.stop()
