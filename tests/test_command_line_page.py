"""The page on the command line shows what the program really prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from atomic_store.gateway.access.token_text import parse
from command_line import ROOT
from console_examples import complaints_about, examples, put_first_file
from markdown_pages import blocks_of

PAGE = ROOT / "docs" / "command-line.md"


@pytest.mark.parametrize("part", ["until keeping", "keeping"])
def test_examples_print_what_the_page_says(part: str, tmp_path: Path) -> None:
    """
    Run in order in one directory; a file that is shown first is there first.

    Those from backups on run apart, behind the demo, since they take their time.
    """
    shown = examples(PAGE)
    begin = next(k for k, (command, _) in enumerate(shown) if "-store backup" in command)
    first, rest = shown[:begin], shown[begin:]
    if part == "keeping":
        first = [next(one for one in shown if one[0].startswith("atomic-store demo")), *rest]

    assert len(first) > 8
    put_first_file(shown, tmp_path)
    assert [] == complaints_about(first, tmp_path)


def test_the_token_file_on_the_page_is_one() -> None:
    """The example of a file is read, with the principal that the commands before it name."""
    (block,) = [block for block in blocks_of(PAGE) if block.language == "json"]

    (entry,) = parse(block.source.encode(), "example").entries
    assert ("shop", {"read": [""], "propose": ["lot/", "car/"]}) == (
        entry.principal.name,
        entry.principal.shown(),
    )
