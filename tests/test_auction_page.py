"""The page of `atomic-store demo --serve`, clicked in a real Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from browsers import open_chromium
from command_line import HEADER, command, journal_lines
from served_process import ServedProcess, serving

BIDI, TAG = "\u202eadverse\u2066", "<img src=x onerror='window.hacked=1'>"
PHONE = ViewportSize(width=320, height=640)
WAIT_MS = 20_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with open_chromium() as browser:
        yield browser


def auction(store: Path) -> AbstractContextManager[ServedProcess]:
    """Serve an auction of three lots, in which nobody bids but from pages."""
    more = ("--store", store, "--lots", "3", "--pace", "0")
    return serving(lambda port: command("demo", "--serve", "--port", str(port), *more))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedProcess]:
    """An auction that goes on through several tests."""
    with auction(tmp_path_factory.mktemp("house") / "auction.store") as served:
        yield served


@pytest.fixture
def own_house(tmp_path: Path) -> Iterator[ServedProcess]:
    """An auction for a test that kills it."""
    with auction(tmp_path / "auction.store") as served:
        yield served


def window(
    browser: Browser, house: ServedProcess, bidder: str, viewport: ViewportSize | None = None
) -> Page:
    """Open the page in a window of its own."""
    page = browser.new_context(viewport=viewport).new_page()
    page.set_default_timeout(WAIT_MS)
    page.on("pageerror", lambda error: pytest.fail(f"the page failed: {error}"))
    page.goto(house.page)
    page.locator("#bidder").fill(bidder)
    expect(page.locator("#status-text")).to_have_text("Live", timeout=WAIT_MS)
    return page


def bid(page: Page, lot: str, dollars: str | None = None) -> None:
    """Bid an amount, or what the page proposes."""
    card = page.locator(f"[data-lot='{lot}']")
    if dollars is None:
        card.locator(".quick").click()
    else:
        card.locator(".amount").fill(dollars)
        card.locator(".bid").click()


def answer(page: Page, lot: str, begins: str = "") -> str:
    """What the page says about the last bid there, once that begins with something."""
    words = page.locator(f"[data-lot='{lot}'] .answer.good, [data-lot='{lot}'] .answer.bad")
    expect(words).to_contain_text(begins, timeout=WAIT_MS)
    return words.inner_text()


def feed(page: Page) -> list[int]:
    """The positions of the bids that it shows, the last one first."""
    found = page.locator("#feed li").evaluate_all("all => all.map(one => one.dataset.position)")
    return [int(position) for position in found]


def bids_in(store: Path) -> list[dict[str, Any]]:
    """The records of bids in a store."""
    records: list[dict[str, Any]] = [json.loads(line) for line in journal_lines(store)]
    return [record for record in records if record["type"] == "Bid"]


def test_one_of_two_windows_wins_and_a_killed_house_loses_nothing(
    chromium: Browser, own_house: ServedProcess, tmp_path: Path
) -> None:
    """
    Both bid the same for the same lot: one leads, and both windows say who.

    The house is killed with a bid on its way, and another one is made while it is away. When
    it is back, each bid is stored once, and both windows show all of them once.
    """
    house = own_house
    ada, ben = window(chromium, house, "ada"), window(chromium, house, "ben")
    for page in (ada, ben):
        bid(page, "lot-1", "5000")
    answers = [answer(page, "lot-1") for page in (ada, ben)]
    leaders = [page.locator("[data-lot='lot-1'] .leader").inner_text() for page in (ada, ben)]
    (winner,) = [text for text in answers if text.startswith("Accepted: you lead")]
    (loser,) = [text for text in answers if text != winner]

    assert loser.startswith("Accepted, but ")
    assert leaders[0] == leaders[1]
    assert ("ada leads" if winner == answers[0] else "ben leads") == leaders[0]

    bid(ben, "lot-3")
    house.end()
    expect(ada.locator("#status")).to_have_attribute("data-status", "waiting", timeout=WAIT_MS)
    bid(ada, "lot-2")
    expect(ada.locator("[data-lot='lot-2'] .answer")).to_contain_text("No connection")
    house.start()
    answer(ada, "lot-2", "Accepted: you lead")
    answer(ben, "lot-3", "Accepted: you lead")
    bid(ben, "lot-2", "5000")
    answer(ben, "lot-2", "Accepted: you lead")
    expect(ada.locator("[data-lot='lot-2'] .answer")).to_have_text("You have been outbid.")

    stored = bids_in(tmp_path / "auction.store")
    positions = [record["position"] for record in reversed(stored)]
    assert ["lot-1", "lot-1", "lot-2", "lot-2", "lot-3"] == sorted(r["scope"] for r in stored)
    for page in (ada, ben):
        expect(page.locator("#feed li")).to_have_count(len(stored))
        assert positions == feed(page)
        assert "2 bids" == page.locator("[data-lot='lot-2'] .lot-bids").inner_text()


def test_answers_are_clear(chromium: Browser, house: ServedProcess) -> None:
    """What is too low, no amount, or nobody's is refused with the reason, and nothing is shown."""
    page = window(chromium, house, "ada")
    before = feed(page)

    bid(page, "lot-1", "0.01")
    assert answer(page, "lot-1", "Too low").startswith("Too low: the price is ")
    bid(page, "lot-2", "")
    assert "Expected an amount such as 12.50." == answer(page, "lot-2", "Expected")
    page.locator("#bidder").fill(" ")
    bid(page, "lot-2")
    assert "Say who you are first, at the top." == answer(page, "lot-2", "Say")
    assert before == feed(page)


def test_the_window_stays_who_it_is(chromium: Browser, house: ServedProcess) -> None:
    """A bidder's name is kept when the page is loaded again, and another window has its own."""
    page = window(chromium, house, "ada")
    bid(page, "lot-1")
    answer(page, "lot-1", "Accepted")
    page.reload()
    expect(page.locator("[data-lot='lot-1'] .badge")).to_have_text("You lead")

    other = page.context.new_page()
    other.goto(house.page)
    name = other.locator("#bidder").input_value()
    assert name not in ("", "ada")
    other.reload()
    assert name == other.locator("#bidder").input_value()


def test_hostile_names_are_text_on_a_phone(chromium: Browser, tmp_path: Path) -> None:
    """
    Markup, marks that turn writing around, and 10 kB of name are shown as text, and cut.

    They neither run nor make an element, and a narrow page does not scroll sideways. What is
    not printable is shown by its number.
    """
    bids = tmp_path / "bids.csv"
    long = "W" * 400
    bids.write_text(f"{HEADER}{TAG},2,0,{BIDI},1,2,{TAG}{long}\n{long},1,0,{TAG},1,2,{BIDI}\n")
    more = ("--store", tmp_path / "auction.store", "--bids", bids, "--pace", "0.001")
    with serving(lambda port: command("demo", "--serve", "--port", str(port), *more)) as house:
        page = window(chromium, house, "W" * 40, PHONE)
        page.evaluate(
            """async ([lot, names]) => {
                const client = (await import("/atomic-store.js")).connect();
                for (const [n, bidder] of names.entries()) {
                    const data = {lot, bidder, max_cents: 10 ** 11 - 9 + n};
                    await client.propose({type: "Bid", data});
                }
                client.close();
            }""",
            [TAG, [TAG, "W" * 10_240, "\u202e" * 10_240, "\0\x1b[2J\u2028<b>x"]],
        )
        expect(page.locator("#feed li")).to_have_count(6, timeout=WAIT_MS)
        names = page.locator("#feed .who bdi").all_inner_texts()
        width = page.evaluate("document.scrollingElement.scrollWidth")
        heights = page.locator("#lots button").evaluate_all("all => all.map(b => b.offsetHeight)")

        assert TAG in names
        assert "\\u0000\\u001b[2J\\u2028<b>x" in names
        assert "\\u202eadverse\\u2066" in names
        assert max(map(len, names)) <= 61
        assert TAG == page.locator(".lot-name").first.inner_text()
        assert 0 == page.locator("main :is(img, script, b, iframe)").count()
        assert page.evaluate("window.hacked === undefined")
        assert PHONE["width"] >= width
        assert 44 <= min(heights)


def test_lots_are_in_order(chromium: Browser, house: ServedProcess) -> None:
    """By the numbers in their names, in whatever order the house opened them."""
    page = window(chromium, house, "ada")

    shown = page.locator(".lot-name").all_inner_texts()
    assert ["lot-1", "lot-2", "lot-3"] == shown
