"""The threat model is whole: each threat says what stands, what does not, and names its tests."""

from __future__ import annotations

import ast
import re
from functools import cache

import attrs
import pytest

from command_line import ROOT
from source_tree import module_at

PAGE = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
PARTS = ("Stands", "Does not", "Shown by")


@attrs.frozen
class Threat:
    """A threat, as the page has it."""

    number: int
    title: str
    parts: dict[str, str]

    @property
    def tests(self) -> list[str]:
        """The tests that it names."""
        return re.findall(r"`([^`]+)`", self.parts.get("Shown by", ""))


def threats_in(page: str) -> list[Threat]:
    """All threats of a page, in order."""
    found = []
    for section in re.split(r"^### (?=\d+\. )", page, flags=re.MULTILINE)[1:]:
        head, _, body = section.partition("\n")
        number, title = head.split(". ", 1)
        body = re.split(r"^## ", body, flags=re.MULTILINE)[0]
        pieces = re.split(r"^\*\*([^*]+):\*\* ", body, flags=re.MULTILINE)
        parts = dict(zip(pieces[1::2], pieces[2::2], strict=True))
        found.append(Threat(int(number), title, parts))
    return found


@cache
def named_in(file: str) -> set[str]:
    """The tests of a file: ``test_a``, and ``TestB::test_c`` for those of a class."""
    path = ROOT / "tests" / file
    if not path.exists():
        return set()
    names = set()
    for node in module_at(path).tree.body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        names |= {
            prefix + part.name
            for part in inside
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
            and part.name.startswith("test_")
        }
    return names


def faults_of(threat: Threat) -> list[str]:
    """What a threat lacks."""
    faults = [f"no {part!r}" for part in PARTS if not threat.parts.get(part, "").strip()]
    for test in threat.tests:
        file, _, name = test.partition("::")
        if name not in named_in(file):
            faults.append(f"no test {test}")
    return faults if threat.tests else [*faults, "names no test"]


THREATS = threats_in(PAGE)


def test_threats_are_numbered() -> None:
    """From 1 on, without a gap."""
    assert [threat.number for threat in THREATS] == [*range(1, len(THREATS) + 1)]
    assert len(THREATS) > 30


@pytest.mark.parametrize("threat", THREATS, ids=lambda threat: str(threat.number))
def test_threats_are_whole(threat: Threat) -> None:
    """Each says what stands against it, what does not, and names tests that are there."""
    assert [] == faults_of(threat), threat.title


def test_every_attacker_has_a_threat() -> None:
    """Each of the table is a heading, with threats below it."""
    table = PAGE.split("## Who attacks")[1].split("\nNot considered")[0]
    attackers = re.findall(r"^\| (?!attacker|-)([^|]+?) \|", table, re.MULTILINE)
    headings = {title.lower() for title in re.findall(r"^## (.+)$", PAGE, re.MULTILINE)}

    assert 8 == len(attackers)
    assert [] == [name for name in attackers if not any(name in h for h in headings)]


def test_faults_are_found() -> None:
    """A threat without tests, with one that is not there, or without a part."""
    page = (
        "### 1. A\n\n**Stands:** x\n**Does not:** y\n**Shown by:** nothing\n\n"
        "### 2. B\n\n**Stands:** x\n**Shown by:** `test_cli.py::test_no`, `test_no.py::test_a`\n"
    )

    assert [
        ["names no test"],
        ["no 'Does not'", "no test test_cli.py::test_no", "no test test_no.py::test_a"],
    ] == [faults_of(threat) for threat in threats_in(page)]
