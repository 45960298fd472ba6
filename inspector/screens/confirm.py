"""A question before something that cannot be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static
from textual.widgets.button import ButtonVariant

from ..model.texts import visible

WORD_CELLS_MAX = 300
"""How long a line of the question may be."""


class ConfirmScreen(ModalScreen[bool]):
    """
    Asks whether to do something; gives whether to. Enter alone does nothing: it is on "no".

    Args:
      title: what would be done.
      lines: what that means; any text.
      yes, no: what the two answers are called.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape,q", "answer(False)", "No"),
        Binding("left,right,h,l", "other", "The other answer", show=False),
    ]

    DEFAULT_CSS = """
    ConfirmScreen {
        align: center middle;
        #box {
            width: auto; max-width: 100%; height: auto; max-height: 100%;
            padding: 0 2; background: $surface; border: round $warning;
            border-title-color: $text-warning; border-title-style: bold;
        }
        #lines { width: auto; max-width: 72; }
        #answers { width: auto; height: 1; margin-top: 1; }
        Button { margin-right: 2; }
    }
    """

    def __init__(self, title: str, lines: Sequence[str], *, yes: str, no: str = "No") -> None:
        super().__init__()
        self._title = title
        self._lines = lines
        self._yes = yes
        self._no = no

    def compose(self) -> ComposeResult:
        """Ask."""
        with VerticalScroll(id="box", can_focus=False) as box:
            box.border_title = Content(visible(self._title, 60))
            lines = [visible(line, WORD_CELLS_MAX) for line in self._lines]
            yield Static(Content("\n".join(lines)), id="lines")
            with Horizontal(id="answers"):
                yield self._button(f"{self._yes} (y)", "yes", "warning")
                yield self._button(f"{self._no} (n)", "no", "default")

    def _button(self, words: str, name: str, variant: ButtonVariant) -> Button:
        return Button(Content(visible(words, 40)), id=name, variant=variant, compact=True)

    def on_mount(self) -> None:
        """Begin with what does no harm."""
        self.query_one("#no", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Take a click, or enter."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, is_yes: bool) -> None:
        """Take a key."""
        self.dismiss(is_yes)

    def action_other(self) -> None:
        """Go to the other answer."""
        self.focus_next(Button)
