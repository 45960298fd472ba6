"""The page on the gateway, and what else says how to run it, is what the code is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import attrs

from atomic_store.cli.log_lines import json_line
from atomic_store.cli.serve import serve
from atomic_store.gateway import Limits, Right
from atomic_store.gateway.stream.metrics import Metrics, StoreFigures
from atomic_store.status import StoreStatistics
from markdown_pages import ROOT, blocks_of
from served_stores import Talk, serving, talking
from source_tree import modules
from test_log_lines import record

PAGE = (ROOT / "docs" / "gateway.md").read_text("utf-8")
COMMANDS = (ROOT / "docs" / "command-line.md").read_text("utf-8")


# How an event gets its name: by `note`, or in a record of another level.
_EVENT = re.compile(r'\bnote\(\s*"(\w+)"|"event": "(\w+)"|\.event, record\.fields = "(\w+)"')


def rows(heading: str, page: str = PAGE) -> list[list[str]]:
    """The rows of the first table behind a heading, each its cells."""
    _, _, behind = page.partition(f"\n{heading}\n")
    table = re.search(r"(?:^\|.*\n)+", behind, re.MULTILINE)
    assert table is not None, heading
    lines = table[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def names(cell: str) -> list[str]:
    """The names in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def test_rights() -> None:
    """Each right is there, and no other."""
    assert [f"`{right}`" for right in Right] == [
        cells[0] for cells in rows("### Who comes in: tokens")
    ]


def test_limits() -> None:
    """Each limit is there with its default, and no other."""
    expected = [(f"`{field.name}`", float(str(field.default))) for field in attrs.fields(Limits)]

    assert expected == [
        (name, float(number.replace(",", ""))) for name, number, _ in rows("## Limits")
    ]


def test_figures() -> None:
    """Each figure of `/metrics` is there with its kind and its label, and no other."""
    kept = {
        field.name: 0 if str(field.type) == "int" else None
        for field in attrs.fields(StoreStatistics)
    }
    statistics = StoreStatistics(**kept)  # type: ignore[arg-type]  # mypy sees one type for all
    metrics = Metrics(lambda: StoreFigures(0, statistics))
    expected = {(family.name, family.type) for family in metrics.registry.collect()}

    assert expected == {(name.strip("`"), kind) for name, kind, _ in rows("### Health and figures")}


def test_events_of_the_log() -> None:
    """Each event that is noted anywhere is there, and no other."""
    noted = {
        event
        for module in modules("atomic_store")
        for found in _EVENT.findall(module.source)
        for event in filter(None, found)
    }

    assert noted == {event for cells in rows("### The log") for event in names(cells[0])}


def test_the_line_of_the_log() -> None:
    """It is written as the example is."""
    (line,) = [block.source for block in blocks_of(ROOT / "docs" / "gateway.md")
               if block.language == "json"]  # fmt: skip
    shown = record(event="hello", connection=1, principal="shop", client="shop-ui/2.1")
    shown.levelname = "INFO"

    assert line.strip() == json_line(shown)


def test_options_of_the_command() -> None:
    """Each option is in the table, with its default, and in the usage."""
    section = COMMANDS.partition("\n## serve\n")[2].partition("\n## ")[0]
    shown = {
        word.split()[0]: cells[1]
        for cells in rows("## serve", COMMANDS)
        for word in names(cells[0])
        if word.startswith("--")
    }
    options = [one for one in serve.params if one.opts[0].startswith("--")]

    assert {one.opts[0] for one in options} - {"--help"} == shown.keys()
    usage = section.partition("```text\n")[2].partition("```")[0]
    for name in shown:
        assert name in usage
    defaults = {one.opts[0]: one.default for one in options}
    for name in ("--host", "--port", "--validation-timeout"):
        default = defaults[name]
        text = f"{default:g}" if isinstance(default, float) else str(default)
        assert f"({text})" in shown[name]


async def test_the_conversation_of_the_readme(tmp_path: Path) -> None:
    """A store that is served from the command line says what is shown there, and more."""
    (block,) = [one for one in blocks_of(ROOT / "README.md") if one.source.startswith("C {")]
    first, *said = [(line[0], json.loads(line[2:])) for line in block.source.splitlines()]
    async with serving(tmp_path / "s") as served, talking(served.url, hello=first[1]) as talk:
        for who, message in said:
            assert (who, message) == (who, await _next(talk, who, message))


async def _next(talk: Talk, who: str, message: dict[str, object]) -> dict[str, object]:
    """Say a message, or hear the next one, as far as the other one goes."""
    if who == "C":
        await talk.say(message)
        return message
    heard = await talk.hear()
    return {name: heard.get(name) for name in message}
