"""The commands of a page, run one after the other, and what they print."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from command_line import environment
from markdown_pages import blocks_of

# What differs from run to run.
VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "TIME"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "HASH"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "COMMIT"),
    (re.compile(r'(?<="crc":")[0-9a-f]{8}'), "CRC"),
    (re.compile(r"(?<=store )[0-9a-f-]{36}|(?<=history )[0-9a-f-]{36}"), "UUID"),
    (re.compile(r"process \d+"), "PROCESS"),
    (re.compile(r"in \d+\.\d\d s, [\d,]+ a second"), "RATE"),
    (re.compile(r'[\d,]+ bytes|"bytes":\d+'), "BYTES"),
    (re.compile(r"[\d,.]+ records/s"), "RATE"),
    (re.compile(r"\bas1_[\w-]{43}(?![\w-])"), "TOKEN"),
    (re.compile(r'^[0-9a-f]{12}(?=  )|(?<="id":")[0-9a-f]{12}(?=")', re.MULTILINE), "ID"),
)


def examples(page: Path) -> list[tuple[str, str]]:
    """The page's commands with what they print, in order."""
    found: list[tuple[str, str]] = []
    for block in blocks_of(page):
        if block.language == "console":
            for part in re.split(r"^\$ ", block.source, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                found.append((command, output.rstrip("\n")))
    return found


def complaints(page: Path, place: Path, *, at_least: int) -> list[str]:
    """
    Run a page's commands in order in a directory, and say where something else is printed.

    If the first one shows a file with `cat`, that file is there first.

    Args:
      at_least: fewer commands than this are not believed.
    """
    shown = examples(page)
    assert len(shown) >= at_least
    put_first_file(shown, place)
    return complaints_about(shown, place)


def put_first_file(shown: list[tuple[str, str]], place: Path) -> None:
    """Have the file in a directory that the first command shows with `cat`."""
    file, content = shown[0]
    (place / file.removeprefix("cat ")).write_text(content + "\n")


def complaints_about(shown: list[tuple[str, str]], place: Path) -> list[str]:
    """Run commands in order in a directory, and say where something else is printed."""
    found = []
    for command, output in shown:
        expected, really = masked(output), masked(printed(command, place))
        if expected != really:
            found.append(f"{command}\nexpected {expected!r}\nprinted  {really!r}")
    return found


def masked(text: str) -> str:
    """A text without what differs from run to run."""
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text


def printed(command: str, place: Path) -> str:
    """What a shell prints for a command, on stdout and stderr together; /srv is where it is."""
    program = f'atomic-store() {{ "{sys.executable}" -m atomic_store "$@"; }}'
    run = subprocess.run(
        ["bash", "-c", f"{program}\n{command}"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        cwd=place, env=environment({"PYTHONUTF8": "1"}), timeout=60,
    )  # fmt: skip
    return run.stdout.rstrip("\n").replace(str(place), "/srv")
