"""The screen of all scopes: every key, hostile names, all sizes, and many changes."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import attrs
import pytest
from textual.pilot import Pilot

from atomic_store.errors import NotAStore
from atomic_store.gateway.client import GatewayError
from inspector.model.scope_table import Order
from inspector.model.which import Which
from inspector.screens.confirm import ConfirmScreen
from inspector.screens.scopes import ScopesScreen
from inspector.widgets.ask_bar import AskBar
from inspector.widgets.status_line import StatusLine
from inspector_app import until
from inspector_desks import (
    HOSTILE_NAMES,
    LIVE,
    ToldSource,
    control_characters,
    on_screen,
    seen,
    text_on,
    validating,
)

LOTS = tuple(seen(f"lot/{n:03}", events=10 * ((n * 7) % 40) + 1, position=n) for n in range(40))


def under(screen: ScopesScreen) -> str:
    """The name of the scope under the cursor."""
    found = screen.list.under_cursor
    assert found is not None
    return found.scope


async def tell(screen: ScopesScreen, source: ToldSource, *scopes: Any) -> None:
    """Have the source say what has changed."""
    await screen.desk.bridge.call(source.tell, *scopes)


async def settled(pilot: Pilot[None], screen: ScopesScreen, count: int) -> None:
    """Wait until so many scopes are shown, and none is still to come."""
    await until(lambda: screen.list.scopes.count == count and not screen._is_loading, pilot)


def words(pilot: Pilot[None]) -> list[str]:
    """What toasts say."""
    return [notification.message for notification in pilot.app._notifications]


def test_all_scopes_are_shown() -> None:
    """Each scope has its line, with how many events it has; the line below counts them."""

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await settled(pilot, screen, 40)
        await pilot.pause(0.1)
        lines = text_on(pilot).splitlines()

        assert lines[0].startswith(" auction.store")
        assert lines[0].endswith("a writer has it")
        assert "scope▲" in lines[1]
        assert ["lot/000", "1"] == lines[2].split()[:2]
        assert "\u2013" in lines[2]
        assert "40 scopes" in lines[-2]

    on_screen(ToldSource(LOTS), ScopesScreen, use)


def test_an_empty_store() -> None:
    """A store without scopes says so, and shows the first one when it comes."""
    source = ToldSource()

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await until(lambda: "no events yet" in text_on(pilot), pilot)
        await pilot.press("enter", "x", "s", "S", "down")
        await tell(screen, source, seen("lot/1"))
        await until(lambda: "lot/1" in text_on(pilot), pilot)

    on_screen(source, ScopesScreen, use)


def test_filtering() -> None:
    """What is typed filters at once; esc leaves the line, and then lets go of the filter."""

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await settled(pilot, screen, 40)
        status = screen.query_one(StatusLine)
        await pilot.press("end", "slash", *"LOT/01")
        await until(lambda: screen.lines.count == 10, pilot)
        assert screen.query_one(AskBar).is_asking
        await pilot.press("escape")
        assert screen.list.has_focus
        assert "/LOT/01 · 10 of 40 scopes" == status.left
        await pilot.press("slash", *"x", "down")
        assert 0 == screen.lines.count
        await until(lambda: "no scope has" in text_on(pilot), pilot)
        await pilot.press("escape")
        assert (40, "40 scopes") == (screen.lines.count, status.left)

    on_screen(ToldSource(LOTS), ScopesScreen, use)


def test_a_filter_keeps_the_cursor() -> None:
    """The cursor stays on its scope while that is to be seen, whatever is filtered."""

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await settled(pilot, screen, 40)
        screen.list.go_to(17)
        await pilot.press("slash", "7", "enter")
        assert ("lot/017", 1) == (under(screen), screen.list.cursor)
        await pilot.press("escape")
        assert ("lot/017", 17) == (under(screen), screen.list.cursor)

    on_screen(ToldSource(LOTS), ScopesScreen, use)


def test_sorting() -> None:
    """`s` goes through the orders, `S` turns one round, and the title shows which it is."""

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await settled(pilot, screen, 40)
        await pilot.press("s")
        assert (Order.EVENTS, True) == screen.lines.table.order
        assert "lot/017" == under(screen)
        await pilot.press("S")
        assert "lot/000" == under(screen)
        await until(lambda: "events▲" in text_on(pilot), pilot)
        orders = []
        for _ in range(3):
            await pilot.press("s")
            orders.append(screen.lines.table.order[0])
        # What files do not tell is nothing to sort by.
        assert [Order.ACTIVITY, Order.RATE, Order.NAME] == orders

    on_screen(ToldSource(LOTS), ScopesScreen, use)


def test_a_title_is_clicked() -> None:
    """A click on a title sorts by it, another one turns that round."""

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await settled(pilot, screen, 40)
        x = text_on(pilot).splitlines()[1].index("events")
        await pilot.click(screen.list, offset=(x, 0))
        assert (Order.EVENTS, True) == screen.lines.table.order
        await pilot.click(screen.list, offset=(x, 0))
        assert (Order.EVENTS, False) == screen.lines.table.order
        await pilot.click(screen.list, offset=(2, 5))
        assert 4 == screen.list.cursor

    on_screen(ToldSource(LOTS), ScopesScreen, use)


def test_the_cursor_stays_with_its_scope() -> None:
    """Whatever comes to stand before it, the cursor stays on its scope, and that on its line."""
    source = ToldSource(LOTS)

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await settled(pilot, screen, 40)
        screen.list.go_to(30)
        line = 30 - round(screen.list.scroll_y)
        await tell(screen, source, *(seen(f"a/{n}") for n in range(25)))
        await until(lambda: screen.lines.count == 65, pilot)
        await pilot.pause()
        assert ("lot/030", 55) == (under(screen), screen.list.cursor)
        assert line == 55 - round(screen.list.scroll_y)

    on_screen(source, ScopesScreen, use)


def test_changes_are_shown() -> None:
    """What changes shows at once: the number of events, the rate, and who holds the round."""
    source = ToldSource(tuple(attrs.evolve(lot, at="2020-01-01T00:00:00.000000Z") for lot in LOTS),
        LIVE)  # fmt: skip

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await settled(pilot, screen, 40)
        await tell(screen, source, validating("lot/001", events=777, waiting=3))
        await until(lambda: "validating" in text_on(pilot), pilot)
        line = text_on(pilot).splitlines()[3].split()
        assert ["lot/001", "777"] == line[:2]
        assert {"validating", "ada", "█", "3"} <= set(line)
        await tell(screen, source, seen("lot/001", 778))
        await until(lambda: "validating" not in text_on(pilot), pilot)

    on_screen(source, ScopesScreen, use, size=(140, 30))


def test_seconds_are_counted() -> None:
    """The seconds of an open round go on although nobody tells of it again."""

    def running(pilot: Pilot[None]) -> str:
        found = re.search(r"\b1:\d\d\b", text_on(pilot))
        return found[0] if found else ""

    source = ToldSource((validating("lot/1", since_s=4.0),), LIVE)

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await settled(pilot, screen, 1)
        told = screen.lines._told["lot/1"]
        screen.lines._told["lot/1"] = told - 60
        await until(lambda: running(pilot), pilot)
        first = running(pilot)
        await until(lambda: running(pilot) > first, pilot)

    on_screen(source, ScopesScreen, use)


def test_where_keys_lead() -> None:
    """Enter shows a scope's events, `a` those of all; back is where one was."""

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await settled(pilot, screen, 40)
        shown: list[Which] = []
        screen._show_events = shown.append  # type: ignore[method-assign, assignment]
        await pilot.press("j", "j", "enter", "a")
        assert ["lot/002", None] == [which.scope for which in shown]

    on_screen(ToldSource(LOTS), ScopesScreen, use)


def test_a_round_is_ended() -> None:
    """A stuck round is ended after asking whose it is; and one is told what came of it."""
    source = ToldSource((seen("lot/0"), validating("lot/1", since_s=14_400)), LIVE)

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await settled(pilot, screen, 2)
        await pilot.press("x")
        assert ["no round is open in lot/0"] == words(pilot)
        await pilot.press("down", "x")
        await until(lambda: isinstance(pilot.app.screen, ConfirmScreen), pilot)
        await until(lambda: "ada holds the round of lot/1, for 4 h now" in text_on(pilot), pilot)
        await pilot.press("enter")
        assert [] == source.ended
        await pilot.press("x", "y")
        await until(lambda: source.ended, pilot)
        assert [("lot/1", "token of lot/1")] == source.ended
        await until(lambda: "The round of lot/1 has been ended." in words(pilot), pilot)

    on_screen(source, ScopesScreen, use)


@pytest.mark.parametrize(
    ("refusal", "said"),
    [(GatewayError("stale_round", "no"), "The round of lot/1 was over before it could be ended."),
     (GatewayError("forbidden", "not you"), "forbidden: not you")],
)  # fmt: skip
def test_a_round_is_not_ended(refusal: Exception, said: str) -> None:
    """One that is over already is no error; a refusal is told."""
    source = ToldSource((validating("lot/1"),), LIVE, refusal=refusal)

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await settled(pilot, screen, 1)
        await pilot.press("x", "left", "enter")
        await until(lambda: said in words(pilot), pilot)

    on_screen(source, ScopesScreen, use)


def test_no_right_to_end_rounds() -> None:
    """Where rounds cannot be ended, the key is not there, and does nothing."""

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await settled(pilot, screen, 1)
        await pilot.press("x")
        assert [] == words(pilot)
        assert "x" not in screen.active_bindings

    on_screen(ToldSource((seen("lot/1"),)), ScopesScreen, use)


def test_watching_ends() -> None:
    """What was seen stays when the source fails; `r` asks again."""
    source = ToldSource(LOTS, failure=NotAStore("the disk is gone"))

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await until(lambda: "the disk is gone" in words(pilot), pilot)
        await until(lambda: "r asks again" in screen.query_one(StatusLine).right, pilot)
        assert 40 == screen.lines.count
        source.failure = None
        await pilot.press("r")
        await until(lambda: source.watches == 2, pilot)
        await until(lambda: screen.query_one(StatusLine).right.startswith("by name"), pilot)

    on_screen(source, ScopesScreen, use)


@pytest.mark.parametrize("size", [(80, 24), (200, 50), (20, 5), (3, 2), (1, 1)])
def test_hostile_names(size: tuple[int, int]) -> None:
    """No name commands the terminal, or ends the program; on no size, with no key."""
    names = tuple(seen(name, at=name, position=n) for n, name in enumerate(HOSTILE_NAMES))
    held = tuple(validating(f"{name}!", principal=name, waiting=9) for name in HOSTILE_NAMES)
    source = ToldSource((*names, *held), LIVE, place=HOSTILE_NAMES[0])

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await until(lambda: screen.lines.count == 2 * len(HOSTILE_NAMES), pilot)
        for keys in (["s"], ["end"], ["s"], ["s", "s"], ["x"], ["n"], ["question_mark"],
                     ["escape"], ["slash", "["], ["enter"], ["escape"]):  # fmt: skip
            await pilot.press(*keys)
            assert set() == control_characters(pilot)

    on_screen(source, ScopesScreen, use, size=size)


def test_resizing_wildly() -> None:
    """Any size, one after the other, with the cursor where it was."""

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await settled(pilot, screen, 40)
        screen.list.go_to(33)
        for size in [(200, 50), (20, 5), (1, 1), (80, 24), (7, 90), (300, 3), (40, 12)]:
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert 33 == screen.list.cursor
        assert "lot/033" in text_on(pilot)

    on_screen(ToldSource(LOTS, LIVE), ScopesScreen, use)


def test_very_many_scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 100,000 scopes the first ones are drawn at once, before the others are there."""
    many = tuple(seen(f"lot/{n:06}", n + 1, position=n) for n in range(100_000))
    source = ToldSource(many, LIVE)
    drawn: list[tuple[int, str]] = []
    draw = ScopesScreen._draw

    def noting(screen: ScopesScreen, now_s: float) -> None:
        draw(screen, now_s)
        drawn.append((screen.lines.count, screen.query_one(StatusLine).right))

    monkeypatch.setattr(ScopesScreen, "_draw", noting)

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await until(lambda: screen.lines.count == 100_000, pilot)
        await settled(pilot, screen, 100_000)
        assert ("lot/000000", 0) == (under(screen), screen.list.cursor)
        await pilot.press("end")
        assert "lot/099999" == under(screen)

    on_screen(source, ScopesScreen, use)
    count, words = next(one for one in drawn if one[0])
    assert 0 < count < 100_000
    assert "more are coming …" == words


def test_very_many_changes() -> None:
    """At thousands of changes a second all is drawn some twenty times a second at most."""
    lots = tuple(seen(f"lot/{n:05}", 1, position=n) for n in range(10_000))
    source = ToldSource(lots, LIVE)
    drawn = 0

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        nonlocal drawn
        await settled(pilot, screen, 10_000)
        await pilot.press("s", "s")
        draw = screen._draw

        def counting(now_s: float) -> None:
            nonlocal drawn
            drawn += 1
            draw(now_s)

        screen._draw = counting  # type: ignore[method-assign]
        begin, position = time.monotonic(), 10_000
        for turn in range(50):
            some = [attrs.evolve(lots[n * 7 % 10_000], sequence=turn + 2, position=position + n)
                    for n in range(200)]  # fmt: skip
            position += 200
            await tell(screen, source, *some)
            await asyncio.sleep(0.01)
        seconds = time.monotonic() - begin
        assert drawn <= 20 * seconds + 2
        top = f"lot/{199 * 7:05}"
        await until(lambda: screen.lines.table.scope(0).scope == top, pilot)
        assert "lot/09999" == under(screen)

    on_screen(source, ScopesScreen, use)
