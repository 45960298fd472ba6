"""A list of any length: only the lines that are on the screen are ever made."""

from __future__ import annotations

from typing import ClassVar, Final, NamedTuple, Protocol

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.color import Color
from textual.events import Click, MouseScrollDown, MouseScrollUp, Resize
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip


class Part(NamedTuple):
    """A piece of a line, all of one look."""

    text: str
    """Safe to show: see `inspector.model.texts`."""
    look: str = ""
    """One of `LOOKS`, or nothing for the usual."""


Line = tuple[Part, ...]

LOOKS: Final = ("dim", "key", "name", "number", "good", "warning", "bad")
BRIGHTNESS_MIN: Final = 0.3
"""A colour that differs less from what is behind it cannot be read: there it is left out."""
STRIPS_MAX: Final = 512
"""How many lines are kept as they were drawn."""


class Lines(Protocol):
    """What a list shows. Lines may come later: then `VirtualList.changed` is to be called."""

    @property
    def count(self) -> int:
        """How many lines there are."""
        ...

    def title(self, cells: int) -> Line:
        """What stands above the lines, at a width."""
        ...

    def line(self, index: int, cells: int) -> Line | None:
        """Give a line at a width; None if it is not there yet."""
        ...

    def wants(self, first: int, last: int) -> None:
        """Be told which lines are on the screen now, both included."""
        ...


class _Nothing:
    """No lines at all."""

    count = 0

    def title(self, cells: int) -> Line:
        return ()

    def line(self, index: int, cells: int) -> Line | None:
        return None

    def wants(self, first: int, last: int) -> None:
        """Nothing."""


class VirtualList(ScrollView, can_focus=True):
    """
    A list with a cursor and a title line, over lines that somebody else has.

    Keys: arrows, page up and down, home, end, and as in vi. `Moved` tells where the cursor
    is, `Opened` that a line was chosen.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "virtual-list--title",
        "virtual-list--cursor",
        "virtual-list--cursor-blurred",
        "virtual-list--empty",
        *(f"virtual-list--{look}" for look in LOOKS),
    }

    DEFAULT_CSS = """
    VirtualList {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        & > .virtual-list--title { color: $text-muted; background: $panel; text-style: bold; }
        & > .virtual-list--cursor { background: $primary 60%; }
        & > .virtual-list--cursor-blurred { background: $primary 25%; }
        & > .virtual-list--empty { color: $text-muted; }
        & > .virtual-list--dim { text-style: dim; }
        & > .virtual-list--key { color: $text-accent; }
        & > .virtual-list--name { color: $text; text-style: bold; }
        & > .virtual-list--number { color: $text-primary; }
        & > .virtual-list--good { color: $text-success; }
        & > .virtual-list--warning { color: $text-warning; }
        & > .virtual-list--bad { color: $text-error; text-style: bold; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,l,right", "open", "Open", key_display="⏎"),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "move_pages(-1.0)", "Page up", show=False),
        Binding("pagedown,ctrl+f,space", "move_pages(1.0)", "Page down", show=False),
        Binding("ctrl+u", "move_pages(-0.5)", "Half a page up", show=False),
        Binding("ctrl+d", "move_pages(0.5)", "Half a page down", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)
    """The line that it is on."""
    words_if_empty: reactive[str] = reactive("")
    """What stands there while there are no lines."""

    class Moved(Message):
        """The cursor has come to another line."""

        def __init__(self, virtual_list: VirtualList, index: int) -> None:
            super().__init__()
            self.virtual_list = virtual_list
            self.index = index

        @property
        def control(self) -> VirtualList:
            """The list."""
            return self.virtual_list

        def can_replace(self, message: Message) -> bool:
            """Only where it came to matters."""
            return isinstance(message, VirtualList.Moved) and message.control is self.control

    class Opened(Message):
        """A line was chosen."""

        def __init__(self, virtual_list: VirtualList, index: int) -> None:
            super().__init__()
            self.virtual_list = virtual_list
            self.index = index

        @property
        def control(self) -> VirtualList:
            """The list."""
            return self.virtual_list

    def __init__(self, lines: Lines | None = None, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.lines: Lines = lines or _Nothing()
        self._strips: LRUCache[tuple[int, int, str], Strip] = LRUCache(STRIPS_MAX)
        self._styles: dict[tuple[str, Style], Style] = {}
        self._was_seen = False

    # --- what there is ----------------------------------------------------------------------

    def show(self, lines: Lines, cursor: int = 0) -> None:
        """Show other lines, with the cursor on one of them."""
        self.lines = lines
        self.changed()
        self.go_to(cursor)

    def changed(self, *, inserted: int = 0) -> None:
        """
        Draw anew: lines have come, or are others now.

        Args:
          inserted: how many of them came in before the cursor: it stays on its line, and the
            line where it is on the screen.
        """
        self._strips.clear()
        self._fit()
        if inserted:
            self.set_reactive(VirtualList.cursor, self._valid(self.cursor + inserted))
            self.scroll_to(y=self.scroll_y + inserted, animate=False, immediate=True)
        elif self.cursor != self._valid(self.cursor):
            self.cursor = self._valid(self.cursor)
        self.refresh()

    @property
    def is_at_end(self) -> bool:
        """The cursor is on the last line."""
        return self.cursor >= self.lines.count - 1

    @property
    def page_lines(self) -> int:
        """How many lines are on the screen."""
        return max(1, self.size.height - 1)

    def go_to(self, index: int) -> None:
        """Put the cursor on a line, and that line on the screen."""
        self.cursor = self._valid(index)
        self._show_cursor()

    def _valid(self, index: int) -> int:
        return max(0, min(index, self.lines.count - 1))

    def _fit(self) -> None:
        size = Size(self.scrollable_content_region.width, self.lines.count + 1)
        if self.virtual_size != size:
            self.virtual_size = size

    # --- the cursor ---------------------------------------------------------------------------

    def watch_cursor(self, old: int, new: int) -> None:
        """Tell where it is."""
        if old != new:
            self.refresh()
            self.post_message(self.Moved(self, new))

    def validate_cursor(self, index: int) -> int:
        """It is always on a line."""
        return self._valid(index)

    def _show_cursor(self) -> None:
        top, height = round(self.scroll_y), self.page_lines
        if self.cursor < top:
            top = self.cursor
        elif self.cursor >= top + height:
            top = self.cursor - height + 1
        self.scroll_to(y=top, animate=False, immediate=True)

    def action_move(self, lines: int) -> None:
        """Move the cursor by some lines."""
        self.go_to(self.cursor + lines)

    def action_move_pages(self, pages: float) -> None:
        """Move the cursor, and all that is on the screen, by pages."""
        lines = round(self.page_lines * pages) or (1 if pages > 0 else -1)
        self.scroll_to(y=self.scroll_y + lines, animate=False, immediate=True)
        self.go_to(self.cursor + lines)

    def action_first(self) -> None:
        """Go to the first line."""
        self.go_to(0)

    def action_last(self) -> None:
        """Go to the last line."""
        self.go_to(self.lines.count - 1)

    def action_open(self) -> None:
        """Choose the line under the cursor."""
        if self.lines.count:
            self.post_message(self.Opened(self, self.cursor))

    def on_click(self, event: Click) -> None:
        """Go to the line that was clicked; a second click opens it."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y == 0:
            return
        index = round(self.scroll_y) + offset.y - 1
        if index < self.lines.count:
            self.cursor = index
            if event.chain == 2:
                self.action_open()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Scroll at once: animations cost a slow line much."""
        event.stop()
        self.scroll_to(y=self.scroll_y + 3, animate=False, immediate=True)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Scroll at once."""
        event.stop()
        self.scroll_to(y=self.scroll_y - 3, animate=False, immediate=True)

    def on_resize(self, event: Resize) -> None:
        """Choose the columns anew."""
        self.changed()
        if not self._was_seen:
            # It did not know how high it would be: from the beginning, only as far as must be.
            self._was_seen = True
            self.scroll_to(y=0, animate=False, immediate=True)
        self._show_cursor()

    # --- drawing ----------------------------------------------------------------------------

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Say at once which lines are wanted: they may be there before the screen is drawn."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._tell_what_is_wanted()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen; the first one is the title."""
        cells = self.scrollable_content_region.width
        if y == 0:
            self._tell_what_is_wanted()
            style = self.get_component_rich_style("virtual-list--title")
            return self._strip(self.lines.title(cells), style, cells)
        index = round(self.scroll_y) + y - 1
        if index >= self.lines.count:
            return self._empty(y, cells)
        look = ""
        if index == self.cursor:
            look = "cursor" if self.has_focus else "cursor-blurred"
        key = (index, cells, look)
        if (drawn := self._strips.get(key)) is not None:
            return drawn
        line = self.lines.line(index, cells)
        base = self.rich_style
        if look:
            base += self.get_component_rich_style(f"virtual-list--{look}")
        strip = self._strip(line or (Part("  …", "dim"),), base, cells)
        if line is not None:
            self._strips[key] = strip
        return strip

    def _tell_what_is_wanted(self) -> None:
        first = round(self.scroll_y)
        last = min(first + self.page_lines, self.lines.count) - 1
        if last >= first:
            self.lines.wants(first, last)

    def _strip(self, line: Line, base: Style, cells: int) -> Strip:
        segments = [Segment(part.text, self._style(part.look, base)) for part in line]
        return Strip(segments).adjust_cell_length(cells, base)

    def _style(self, look: str, base: Style) -> Style:
        if not look:
            return base
        style = self._styles.get((look, base))
        if style is None:
            style = self._styles[look, base] = base + self._look_on(look, base)
        return style

    def _look_on(self, look: str, base: Style) -> Style:
        """A look's style, mixed with what is behind it."""
        styles = self.get_component_styles(f"virtual-list--{look}")
        style = styles.partial_rich_style
        if not styles.has_rule("color") and not styles.has_rule("auto_color"):
            return style
        if base.color is None or base.bgcolor is None or base.bgcolor.is_default:
            return style
        text, behind = Color.from_rich_color(base.color), Color.from_rich_color(base.bgcolor)
        if text.ansi is not None or behind.ansi is not None or styles.color.ansi is not None:
            return style
        colour = behind + (text.with_alpha(styles.color.a) if styles.auto_color else styles.color)
        if abs(colour.brightness - behind.brightness) < BRIGHTNESS_MIN and not styles.auto_color:
            colour = text
        return style + Style.from_color(colour.rich_color)

    def _empty(self, y: int, cells: int) -> Strip:
        if y == 2 and not self.lines.count and self.words_if_empty:
            return self._strip((Part(f"  {self.words_if_empty}", "empty"),), self.rich_style, cells)
        return Strip.blank(cells, self.rich_style)

    def notify_style_update(self) -> None:
        """Forget how lines looked: the theme is another one."""
        self._strips.clear()
        self._styles.clear()
        super().notify_style_update()
