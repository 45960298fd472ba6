"""What is seen on a screen, and all its keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final, final

import attrs
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

KEYS_CELLS_MIN: Final = 12
"""How wide the keys' column is at least."""

_OURS: Final = "inspector."
"""Where our own keys are made; Textual's others are of no interest here."""
_THEIRS: Final = frozenset({"command_palette"})


@final
@attrs.frozen
class Key:
    """What some keys do."""

    keys: str
    name: str
    words: str
    action: str
    node: DOMNode
    """Who hears it."""
    is_for_palette: bool = True
    """It is worth a command of its own, and no mere movement."""
    is_apart: bool = False
    """Another part of the screen hears it than the one before."""


def keys_of(screen: Screen[Any]) -> list[Key]:
    """Say what each key does now, on a screen and in what has its focus."""
    found: dict[tuple[int, str], list[ActiveBinding]] = {}
    for active in screen.active_bindings.values():
        if active.binding.description and _is_interesting(active):
            found.setdefault((id(active.node), active.binding.action), []).append(active)
    # The screen's own keys first: what is special here, then what is like everywhere.
    order = sorted(found.values(), key=lambda group: _rank(group[0], screen))
    keys: list[Key] = []
    before = None
    for group in order:
        first = group[0]
        shown = " ".join(_displays(screen, (active.binding for active in group)))
        is_apart = before is not None and before is not first.node
        is_for_palette = first.binding.show or first.node is screen
        keys.append(
            Key(
                shown, first.binding.description,
                first.tooltip or first.binding.description, first.binding.action, first.node,
                is_for_palette, is_apart,
            )
        )  # fmt: skip
        before = first.node
    return keys


def _is_interesting(active: ActiveBinding) -> bool:
    if active.binding.action in _THEIRS:
        return True
    return any(
        active.binding.action == binding.action
        for kind in type(active.node).__mro__
        if kind.__module__.startswith(_OURS)
        for binding in Binding.make_bindings(kind.__dict__.get("BINDINGS", ()))
    )


def _rank(active: ActiveBinding, screen: Screen[Any]) -> int:
    if active.node is screen:
        return 1 if active.binding.action == "back" else 0
    return 3 if active.node is screen.app else 2


def _displays(screen: Screen[Any], bindings: Iterable[Binding]) -> list[str]:
    """Name each key, once."""
    return list(dict.fromkeys(screen.app.get_key_display(binding) for binding in bindings))


class HelpScreen(ModalScreen[None]):
    """
    Help for the screen below it: what its `HELP` says, and its keys.

    Args:
      about: the screen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter,space", "dismiss", "Close"),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
    ]

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        #box {
            width: 76; max-width: 100%; height: auto; max-height: 100%;
            padding: 0 2; background: $surface; border: round $primary;
            border-title-color: $text-primary; border-title-style: bold;
            border-subtitle-color: $text-muted;
            scrollbar-size-vertical: 1;
        }
        #about { width: 100%; padding: 0; }
        #keys { width: 100%; margin-top: 1; }
    }
    """

    def __init__(self, about: Screen[Any]) -> None:
        super().__init__()
        self._words = " ".join((about.HELP or "").split())
        self._keys = keys_of(about)

    def compose(self) -> ComposeResult:
        """Show it."""
        with VerticalScroll(id="box", can_focus=False) as box:
            box.border_title = "Help"
            box.border_subtitle = "esc closes"
            if self._words:
                yield Static(Content(self._words), id="about")
            yield Static(self._table(), id="keys")

    def _table(self) -> Content:
        cells = max([KEYS_CELLS_MIN, *(len(key.keys) + 2 for key in self._keys)])
        lines: list[Content] = []
        for key in self._keys:
            if key.is_apart:
                lines.append(Content(""))
            lines.append(
                Content.assemble((key.keys.ljust(cells), "$text-accent"), (key.words, "$text"))
            )
        return Content("\n").join(lines)

    def action_scroll(self, lines: int) -> None:
        """Show what is below, or above."""
        self.query_one("#box").scroll_relative(y=lines, animate=False, immediate=True)
