"""The page on the command line shows what the program really prints."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from atomic_store.gateway.access.token_text import parse
from command_line import ROOT, environment
from markdown_pages import blocks_of

PAGE = ROOT / "docs" / "command-line.md"

# What differs from run to run.
VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "TIME"),
    (re.compile(r'(?<="crc":")[0-9a-f]{8}'), "CRC"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "HASH"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "COMMIT"),
    (re.compile(r"(?<=store )[0-9a-f-]{36}|(?<=history )[0-9a-f-]{36}"), "UUID"),
    (re.compile(r"in \d+\.\d\d s, [\d,]+ a second"), "RATE"),
    (re.compile(r'[\d,]+ bytes|"bytes":\d+'), "BYTES"),
    (re.compile(r"[\d,.]+ records/s"), "RATE"),
    (re.compile(r"\bas1_[\w-]{43}(?![\w-])"), "TOKEN"),
    (re.compile(r'^[0-9a-f]{12}(?=  )|(?<="id":")[0-9a-f]{12}(?=")', re.MULTILINE), "ID"),
)


def examples() -> list[tuple[str, str]]:
    """The page's commands with what they print, in order."""
    found: list[tuple[str, str]] = []
    for block in blocks_of(PAGE):
        if block.language == "console":
            for part in re.split(r"^\$ ", block.source, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                found.append((command, output.rstrip("\n")))
    return found


def masked(text: str) -> str:
    """A text without what differs from run to run."""
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text


def printed(command: str, place: Path) -> str:
    """What a shell prints for a command, on stdout and stderr together."""
    program = f'atomic-store() {{ "{sys.executable}" -m atomic_store "$@"; }}'
    run = subprocess.run(
        ["bash", "-c", f"{program}\n{command}"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        cwd=place, env=environment({"PYTHONUTF8": "1"}), timeout=60,
    )  # fmt: skip
    return run.stdout.rstrip("\n")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with the file that the page shows first."""
    file, content = examples()[0]
    (tmp_path / file.removeprefix("cat ")).write_text(content + "\n")
    return tmp_path


def begin_of_keeping() -> int:
    """Which of the examples is the first that keeps a store safe."""
    return next(k for k, (command, _) in enumerate(examples()) if "-store backup" in command)


def test_examples_print_what_the_page_says(place: Path) -> None:
    """Run in order in one directory; a file that is shown first is there first."""
    shown = examples()[: begin_of_keeping()]

    assert len(shown) > 8
    for command, output in shown:
        assert masked(output) == masked(printed(command, place)), command


def test_examples_of_keeping_print_what_the_page_says(place: Path) -> None:
    """So do those from backups on, after the demo; apart, since they take their time."""
    shown = examples()
    demo = next(command for command, _ in shown if command.startswith("atomic-store demo"))
    assert "auction.store" in printed(demo, place)

    for command, output in shown[begin_of_keeping() :]:
        assert masked(output) == masked(printed(command, place)), command


def test_the_token_file_on_the_page_is_one() -> None:
    """The example of a file is read, with the principal that the commands before it name."""
    (block,) = [block for block in blocks_of(PAGE) if block.language == "json"]

    (entry,) = parse(block.source.encode(), "example").entries
    assert ("shop", {"read": [""], "propose": ["lot/", "car/"]}) == (
        entry.principal.name,
        entry.principal.shown(),
    )
