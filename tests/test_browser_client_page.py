"""The page about the client for browsers: its program, page and script work together."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from playwright.sync_api import expect

from browsers import open_chromium
from markdown_pages import ROOT, blocks_of
from served_process import serving

PAGE = ROOT / "docs" / "browser-client.md"


def test_the_example_works(tmp_path: Path) -> None:
    """The first Python, HTML and JavaScript blocks: a bid is made, a second one refused."""
    first: dict[str, str] = {}
    for block in blocks_of(PAGE):
        first.setdefault(block.language, block.source)
    program = first["python"]
    for name in ("page.html", "page.js"):
        program = program.replace(f'Path("{name}")', f"Path({str(tmp_path / name)!r})")
    program = program.replace('"auction.store"', repr(str(tmp_path / "auction.store")))
    (tmp_path / "page.html").write_text(first["html"])
    (tmp_path / "page.js").write_text(first["javascript"])

    def command(port: int) -> list[str]:
        return [sys.executable, "-c", program.replace("port=8000", f"port={port}")]

    with serving(command) as served, open_chromium() as browser:
        page = browser.new_page()
        page.goto(served.page)
        expect(page.locator("#status")).to_have_text("open")
        for cents, answer in (("500", "Accepted."), ("400", "Refused: 500 was bidden.")):
            page.locator("#cents").fill(cents)
            page.locator("button").click()
            expect(page.locator("#answer")).to_have_text(answer)
        assert ["bid 1: 500"] == page.locator("#bids li").all_inner_texts()
        served.end()
        expect(page.locator("#status")).not_to_have_text("open")
        page.locator("#cents").fill("600")
        page.locator("button").click()
        served.start()
        expect(page.locator("#answer")).to_have_text("Accepted.", timeout=20_000)
        expect(page.locator("#bids li")).to_have_text(["bid 1: 500", "bid 2: 600"])


def test_what_it_names_is_there() -> None:
    """Each method, callback and status on the page is one of the module's."""
    script = (ROOT / "atomic_store" / "gateway" / "static" / "atomic-store.js").read_text()
    page = PAGE.read_text()
    methods = set(re.findall(r"store\.(\w+)\(", page))
    callbacks = set(re.findall(r"\bon[A-Z]\w+", page))
    statuses = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) - {"status"}

    assert set() == {name for name in methods if f"\n  {name}(" not in script}
    assert set() == {name for name in callbacks if name not in script}
    assert set(re.findall(r'this\.#say\("(\w+)"', script)) == statuses
