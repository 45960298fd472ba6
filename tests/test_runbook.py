"""The runbook has a word on everything that can be said, and its examples are true."""

from __future__ import annotations

import errno
import inspect
import os
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from atomic_store import errors
from atomic_store.cli import ending
from atomic_store.errors import AtomicStoreError
from atomic_store.gateway.client import errors as client_errors
from atomic_store.gateway.protocol.codes import (
    FINAL_CLOSES,
    OUTCOME_OPEN,
    WORTH_TRYING_AGAIN,
    CloseCode,
    ErrorCode,
)
from atomic_store.journal.failing import _HINTS
from command_line import ROOT
from console_examples import complaints
from damage_messages import expectations, notes, refusals
from markdown_pages import prose_of

PAGE = ROOT / "docs" / "runbook.md"
ROWS = [line for _, line in prose_of(PAGE) if line.startswith("|")]
CELLS = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in ROWS]


def first_cells() -> set[str]:
    """Everything that stands in code in the first cell of a row; numbers also without."""
    cells = {found for row in CELLS for found in re.findall(r"`([^`]+)`", row[0])}
    return cells | {row[0] for row in CELLS if row[0].isdigit()}


def without(said: dict[str, str]) -> dict[str, str]:
    """Of messages with the places where they are made, those that have no row."""
    rows = first_cells()
    return {text: place for text, place in said.items() if text not in rows}


def row_of(name: str) -> list[str]:
    """The cells of the one row that begins with a name."""
    (row,) = (row for row in CELLS if row[0] in (name, f"`{name}`"))
    return row


def test_examples_print_what_the_page_says(tmp_path: Path) -> None:
    """Run in order in one directory, each command prints what stands below it."""
    if shutil.which("flock") is None:
        pytest.skip("needs flock(1)")

    assert [] == complaints(PAGE, tmp_path, at_least=12)


@pytest.mark.parametrize("module", [errors, client_errors], ids=lambda module: module.__name__)
def test_every_error_has_a_row(module: ModuleType) -> None:
    """Each public error class that a module defines."""
    names = {
        name: ""
        for name, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, AtomicStoreError) and found.__module__ == module.__name__
    }

    assert len(names) >= 3
    assert {} == without(names)


def test_every_exit_code_has_a_row() -> None:
    """Each that a command may end with."""
    codes = {str(code): name for name, code in vars(ending).items() if type(code) is int}

    assert {"0", "1", "2", "130", "141"} == codes.keys()
    assert {} == without(codes)


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_code_has_a_row(code: ErrorCode) -> None:
    """And the row says whether to try again, and whether the outcome is open, as the code does."""
    said = row_of(code)[2]

    assert (code in WORTH_TRYING_AGAIN) is ("yes" in said)
    assert (code in OUTCOME_OPEN) is ("open" in said)


@pytest.mark.parametrize("code", CloseCode)
def test_every_close_code_has_a_row(code: CloseCode) -> None:
    """And the row says whether a client stops, as the code does."""
    rows = [row for row in CELLS if row[0] == str(int(code))]

    assert [code in FINAL_CLOSES] == [row[2] == "stops" for row in rows]


def test_every_hint_has_a_row() -> None:
    """Each error of the system for which the library knows what to do, in the system's words."""
    named = {f"`{os.strerror(number)}` ({errno.errorcode[number]})" for number in _HINTS}
    rows = " ".join(row[0] for row in CELLS)

    assert set() == {name for name in named if name not in rows}


def test_every_kind_of_damage_has_a_row() -> None:
    """Whatever `verify` and opening may expect; read out of the code that says it."""
    said = {**expectations(), "a line that ends in …": "atomic_store.journal.line"}

    assert len(said) > 40
    assert {} == without(said)


def test_every_note_has_a_row() -> None:
    """Of `verify` and of opening."""
    assert len(notes()) > 4
    assert {} == without(notes())


def test_every_refusal_of_a_directory_has_a_row() -> None:
    """What is no store, and what is one of a later format."""
    assert len(refusals()) > 5
    assert {} == without(refusals())


def test_what_a_lock_says_has_a_row() -> None:
    """Each of the five ways in which a store is locked."""
    source = (ROOT / "atomic_store" / "journal" / "lock.py").read_text("utf-8")
    said = re.findall(r'return \(?\s*f"\{path\} (is locked[^"]*)"', source)
    begun = [re.split(r"\{", text)[0].strip() for text in said]

    assert 5 == len(begun)
    for text in begun:
        assert any(cell.startswith(text) for cell in first_cells()), text


def test_a_missing_row_is_found() -> None:
    """An error that the page does not know is named, with its place."""
    assert {"NeverHeard": "x:1"} == without({"NeverHeard": "x:1", "ScopeBusy": "x:2"})
