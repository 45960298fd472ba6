"""The page on the command line shows what the program really prints."""

from __future__ import annotations

from pathlib import Path

from atomic_store.gateway.access.token_text import parse
from command_line import ROOT
from console_examples import complaints
from markdown_pages import blocks_of

PAGE = ROOT / "docs" / "command-line.md"


def test_examples_print_what_the_page_says(tmp_path: Path) -> None:
    """Run in order in one directory; a file that is shown first is there first."""
    assert [] == complaints(PAGE, tmp_path, at_least=9)


def test_the_token_file_on_the_page_is_one() -> None:
    """The example of a file is read, with the principal that the commands before it name."""
    (block,) = [block for block in blocks_of(PAGE) if block.language == "json"]

    (entry,) = parse(block.source.encode(), "example").entries
    assert ("shop", {"read": [""], "propose": ["lot/", "car/"]}) == (
        entry.principal.name,
        entry.principal.shown(),
    )
