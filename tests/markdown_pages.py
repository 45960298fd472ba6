"""What the tests of the pages read out of Markdown: fenced blocks, headings, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parent.parent

_FENCE = re.compile(r"(?P<indent> *)(?P<mark>`{3,}|~{3,}|:{3,})(?P<info>.*)")
_COMMENT = re.compile(r"\s*<!--\s*(?P<text>.*?)\s*-->\s*")
_DIRECTIVE = re.compile(r"\{(?P<name>[\w-]+)\}\s*(?P<argument>\S*)")
_HEADING = re.compile(r"#{1,6} +(?P<text>.+?) *#*")
_CODE = re.compile(r"`[^`]*`")
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\((?P<inline>[^()\s]+)(?:\s+\"[^\"]*\")?\)")
_DEFINITION = re.compile(r"\[[^\]]+\]:\s*(?P<target>\S+)")


@attrs.frozen
class Block:
    """A fenced block."""

    page: Path
    line: int
    """The number of its first line of content, from 1."""
    language: str
    source: str
    comment: str
    """The HTML comment right before it, blank lines aside; else empty."""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """README.md and all pages of the documentation."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks_of(page: Path, text: str | None = None) -> list[Block]:
    """All fenced blocks of a page, in order; a fence that never closes is an error."""
    return [part for part in _parts(page, text) if isinstance(part, Block)]


def prose_of(page: Path, text: str | None = None) -> list[tuple[int, str]]:
    """The lines outside of fenced blocks, with their numbers."""
    return [part for part in _parts(page, text) if not isinstance(part, Block)]


def anchors_of(page: Path) -> set[str]:
    """The anchors that a page's headings and targets give."""
    anchors: set[str] = set()
    for _, line in prose_of(page):
        if heading := _HEADING.fullmatch(line):
            words = re.sub(r"[^\w\- ]", "", heading["text"].lower())
            anchors.add(words.strip().replace(" ", "-"))
        elif target := re.fullmatch(r"\(([\w-]+)\)=", line):
            anchors.add(target[1])
    return anchors


def links_of(page: Path, text: str | None = None) -> Iterator[tuple[int, str]]:
    """The targets of a page's links and pictures, with their line numbers."""
    for number, line in prose_of(page, text):
        visible = _CODE.sub("code", line)
        if definition := _DEFINITION.match(visible):
            yield number, definition["target"]
        for link in _LINK.finditer(visible):
            yield number, link["inline"]


def _parts(page: Path, text: str | None) -> Iterator[Block | tuple[int, str]]:
    lines = (page.read_text("utf-8") if text is None else text).splitlines()
    comment = ""
    i = 0
    while i < len(lines):
        fence = _FENCE.fullmatch(lines[i])
        if fence is None or (fence["mark"][0] == "`" and "`" in fence["info"]):
            if lines[i].strip():
                found = _COMMENT.fullmatch(lines[i])
                comment = found["text"] if found else ""
            yield i + 1, lines[i]
            i += 1
            continue
        end = _end_of(lines, i, fence, page)
        content = [line.removeprefix(fence["indent"]) for line in lines[i + 1 : end]]
        language = _language(fence["info"].strip())
        yield Block(page, i + 2, language, "\n".join([*content, ""]), comment)
        comment = ""
        i = end + 1


def _end_of(lines: list[str], start: int, fence: re.Match[str], page: Path) -> int:
    closing = re.compile(rf" *{re.escape(fence['mark'][0])}{{{len(fence['mark'])},}} *")
    for i in range(start + 1, len(lines)):
        if closing.fullmatch(lines[i]):
            return i
    raise ValueError(f"{page}:{start + 1}: the block that begins here never ends")


def _language(info: str) -> str:
    if directive := _DIRECTIVE.match(info):
        is_code = directive["name"] in {"code", "code-block", "sourcecode"}
        return directive["argument"] if is_code else "{" + directive["name"] + "}"
    return info.split()[0] if info else ""
