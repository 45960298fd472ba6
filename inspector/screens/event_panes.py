"""One event as a tree, as text, as a change, and as what went before it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from enum import Enum
from typing import Any, Final, TypeVar, final

import attrs
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import ContentSwitcher

from atomic_store.errors import AtomicStoreError
from atomic_store.journal import StoredRecord
from atomic_store.journal.record import size_of

from ..desk import Desk
from ..folding import StateAt, state_at
from ..model.change_rows import ChangeRow, as_text, change_rows, heading, remarks
from ..model.differences import text_differences
from ..model.json_tree import path_of
from ..model.record_text import compared_text, envelope_text, laid_out, line_text
from ..model.unfolding import Opened, Row, Section, section
from ..model.words import counted
from ..walk import Walk
from ..widgets.change_lines import ChangeLines, ChangeList
from ..widgets.event_lines import EventLines
from ..widgets.json_view import JsonView
from ..widgets.text_view import TextView
from ..widgets.virtual_list import VirtualList

SMALL_BYTES: Final = 4_000
"""So small data is unfolded when it is first seen."""
LARGE_BYTES: Final = 64 * 1024
"""What takes time with so large a text is done beside the screen."""
PATIENCE_S: Final = 0.2
"""What takes no longer is not announced: it would only flicker."""

T = TypeVar("T")


class View(Enum):
    """How an event may be looked at; its value is the tab's name."""

    TREE = "Tree"
    RAW = "Raw"
    CHANGES = "Changes"
    STATE = "State"


@final
@attrs.define(eq=False)
class _Past:
    """The events before one."""

    walk: Walk
    count: int

    def record(self, index: int) -> StoredRecord | None:
        return self.walk.known(index + 1)


class EventPanes(ContentSwitcher):
    """
    The views of one event; one of them is on the screen.

    Args:
      desk: asks the source, and has the fold.
      walk: the scope's records.
      work: does what takes time, in place of what is still done in the same group.
    """

    class Goes(Message):
        """Says what goes on, or nothing."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(
        self, desk: Desk, walk: Walk, work: Callable[[Coroutine[Any, Any, None], str], object]
    ) -> None:
        super().__init__(initial="tree")
        self.desk, self.walk, self._work = desk, walk, work
        self.is_laid_out = False
        self._kept = None if desk.fold is None else desk.fold.kept()
        self._rows: list[ChangeRow] = []
        self._state: StateAt | None = None
        self._past: EventLines | None = None
        self._asked: tuple[int, int] | None = None

    def compose(self) -> ComposeResult:
        """Have a list for each view, so that each keeps its place."""
        yield JsonView(id="tree")
        yield TextView(id="raw")
        yield ChangeList(id="changes")
        yield JsonView(id="state")
        yield VirtualList(id="past")
        yield TextView(id="complaint")

    @property
    def shown(self) -> VirtualList:
        """What is on the screen."""
        return self.query_one(f"#{self.current}", VirtualList)

    # --- showing --------------------------------------------------------------------------------

    async def look_at(self, view: View, sequence: int) -> None:
        """Show an event in a view; what cannot be shown says why."""
        timer = self.set_timer(PATIENCE_S, lambda: self.post_message(self.Goes("working …")))
        try:
            record = await self.walk.record(sequence)
            goes = await self._look(view, record)
        except AtomicStoreError as error:
            goes = ""
            self._say(str(error))
        finally:
            timer.stop()
        self.post_message(self.Goes(goes))

    async def _look(self, view: View, record: StoredRecord) -> str:
        match view:
            case View.TREE:
                return await self._show_tree(record)
            case View.RAW:
                return await self._show_raw(record)
            case View.CHANGES:
                return await self._show_changes(record)
            case View.STATE if self.desk.fold is None:
                return self._show_past(record)
            case View.STATE:
                return await self._show_state(record)

    def _show(self, name: str) -> None:
        had_focus = self.screen.focused in self.children or self.screen.focused is None
        self.current = name
        if had_focus:
            self.shown.focus()

    def _say(self, words: str, look: str = "") -> None:
        self.query_one("#complaint", TextView).show_text(
            words.encode("utf-8", "replace"), look=look
        )
        self._show("complaint")

    # --- the tree -------------------------------------------------------------------------------

    async def _show_tree(self, record: StoredRecord) -> str:
        tree = self.query_one("#tree", JsonView)
        sections = await _aside(size_of(record), lambda: list(_sections(record)))
        is_first = tree.row is None
        if is_first:
            tree.opened.inner.update({("data", 0): Opened(), ("metadata", 0): Opened()})
        tree.show_sections(sections)
        if is_first:
            if len(record.data) <= SMALL_BYTES:
                tree.action_unfold_below()
            if tree.row is not None and tree.row.is_open:
                tree.action_move(1)
        self._show("tree")
        return ""

    @property
    def row(self) -> Row | None:
        """The row of the tree of the event that the cursor is on, if that is on the screen."""
        return self.query_one("#tree", JsonView).row if self.current == "tree" else None

    # --- the text -------------------------------------------------------------------------------

    async def _show_raw(self, record: StoredRecord) -> str:
        text = line_text(record)
        words = "as the journal has it, without its checksums"
        if self.is_laid_out:
            text = await _aside(len(text), lambda: laid_out(text))
            words = "laid out"
        self.query_one("#raw", TextView).show_text(text, heading=words)
        self._show("raw")
        return f"{len(line_text(record)):,} bytes"

    # --- changes --------------------------------------------------------------------------------

    async def _show_changes(self, record: StoredRecord) -> str:
        rows: list[ChangeRow] = []
        if record.sequence > 1:
            before = await self.walk.record(record.sequence - 1)
            title = f"what is different from event {before.sequence:,}"
            rows = await _aside(
                size_of(before) + size_of(record),
                lambda: change_rows(text_differences(compared_text(before), compared_text(record))),
            )
            if not rows:
                rows = remarks("nothing: type, data and metadata are the same")
        else:
            title = "the first event of its scope: there is none before it"
        if self.desk.fold is not None:
            rows += await self._state_changes(record)
        self._rows = rows
        changes = self.query_one("#changes", VirtualList)
        changes.show(ChangeLines(rows, title), min(changes.cursor, max(0, len(rows) - 1)))
        self._show("changes")
        count = sum(bool(row.path) for row in rows)
        return counted(count, "difference")

    async def _state_changes(self, record: StoredRecord) -> list[ChangeRow]:
        assert self.desk.fold is not None
        rows = [*remarks(""), heading(f"what it changed in the state, by {self.desk.fold.name}")]
        try:
            before = await self._fold_to(record.sequence - 1)
            after = await self._fold_to(record.sequence)
        except AtomicStoreError as error:
            return [*rows, *remarks(str(error))]
        texts = before.text, after.text
        found = await _aside(sum(map(len, texts)), lambda: text_differences(*texts))
        return rows + (change_rows(found, "state") or remarks("nothing"))

    # --- the state, and the past ------------------------------------------------------------------

    async def _fold_to(self, sequence: int) -> StateAt:
        assert self.desk.fold is not None
        assert self._kept is not None
        loop = asyncio.get_running_loop()

        def report(done: int, total: int) -> None:
            words = f"folding {done:,} of {total:,}" if done < total else "folding …"
            if total > done:
                # The loop may be closed already: then nobody looks.
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(self.post_message, self.Goes(words))

        return await self.desk.bridge.call(
            state_at, self.desk.source, self.desk.fold, self._kept, self.walk.scope, sequence,
            on_progress=report,
        )  # fmt: skip

    async def _show_state(self, record: StoredRecord) -> str:
        state = self._state = await self._fold_to(record.sequence)
        view = self.query_one("#state", JsonView)
        one = await _aside(len(state.text), lambda: section("state", state.text))
        is_first = view.row is None
        if is_first:
            view.opened.inner["state", 0] = Opened()
        view.show_sections([one])
        if is_first and len(state.text) <= SMALL_BYTES:
            view.action_unfold_below()
        self._show("state")
        assert self.desk.fold is not None
        return f"by {self.desk.fold.name}"

    def _show_past(self, record: StoredRecord) -> str:
        view, count = self.query_one("#past", VirtualList), record.sequence - 1
        stays = 0 < view.cursor < min(count, view.lines.count - 1)
        self._asked = None
        self._past = EventLines(_Past(self.walk, count), self._wants, is_one_scope=True)
        view.words_if_empty = "Nothing was before it: it is the first event of its scope."
        self._past.measure(max(0, count - view.page_lines), count - 1)
        view.show(self._past, view.cursor if stays else max(0, count - 1))
        self._show("past")
        return f"{counted(count, 'event')} before it"

    def _wants(self, first: int, last: int) -> None:
        if (first, last) == self._asked or self._past is None:
            return
        self._asked = first, last
        if any(self.walk.known(index + 1) is None for index in range(first, last + 1)):
            self._work(self._read(first, last), "past")

    async def _read(self, first: int, last: int) -> None:
        await self.walk.read(first + 1, last + 1)
        if self._past is not None:
            self._past.measure(first, last)
            self.query_one("#past", VirtualList).changed()

    # --- taking away ------------------------------------------------------------------------------

    def text(self, record: StoredRecord) -> str:
        """Give all that is on the screen, as text."""
        match self.current:
            case "changes":
                return as_text(self._rows)
            case "state" if self._state is not None:
                return laid_out(self._state.text).decode("utf-8", "replace")
            case _:
                return laid_out(line_text(record)).decode("utf-8", "replace")

    def text_here(self) -> str | None:
        """Give what is under the cursor, as text; None if there is nothing."""
        view = self.shown
        match self.current:
            case "tree" | "state":
                assert isinstance(view, JsonView)
                return None if view.row is None else _value_text(view.row)
            case "raw" | "complaint":
                assert isinstance(view, TextView)
                return view.line_text()
            case "changes":
                return as_text(self._rows[view.cursor : view.cursor + 1]) or None
            case _:
                record = self.walk.known(view.cursor + 1) if view.lines.count else None
                return None if record is None else line_text(record).decode("utf-8", "replace")


def _sections(record: StoredRecord) -> Iterable[Section]:
    yield section("data", record.data)
    if record.metadata is not None:
        yield section("metadata", record.metadata)
    if record.meta is not None:
        yield section("meta", record.meta)
    yield section("envelope", envelope_text(record))


def _value_text(row: Row) -> str:
    """A text without its quotes, if nothing in it needs them; else JSON text."""
    if row.node is None or row.section.tree is None:
        return row.section.text.decode("utf-8", "replace")
    literal = row.section.tree.literal(row.node).decode("utf-8", "replace")
    inner = literal[1:-1]
    is_plain = literal.startswith('"') and "\\" not in inner and inner.isprintable()
    return inner if is_plain else literal


async def _aside(size_bytes: int, work: Callable[[], T]) -> T:
    """Do something at once if it is small, or else beside the screen."""
    return work() if size_bytes <= LARGE_BYTES else await asyncio.to_thread(work)


def steps_at(row: Row) -> tuple[str | int, ...]:
    """Give the keys that lead to a row from its section."""
    return () if row.node is None else path_of(row.node)
