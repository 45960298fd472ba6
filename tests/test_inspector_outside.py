"""Texts for other programs."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from event_desks import bid
from inspector.outside import EDITOR, PAGER, Program, command_of, export_event, open_in

SCRIPT = """#!/bin/sh
{ stat -c %a "$1"; stat -c %a "$(dirname "$1")"; cat "$1"; } > "$OUT"
echo "$1" >> "$NAMES"
exit ${CODE:-0}
"""


@pytest.fixture
def pager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A pager that writes down what it is given; its environment."""
    program = tmp_path / "my pager"
    program.write_text(SCRIPT)
    program.chmod(0o755)
    monkeypatch.setenv("OUT", str(tmp_path / "out"))
    monkeypatch.setenv("NAMES", str(tmp_path / "names"))
    return {"PAGER": f"'{program}'"}


def test_what_a_pager_is_given(pager: dict[str, str], tmp_path: Path) -> None:
    """A file that only its owner may read, escaped, and gone afterwards."""
    order: list[str] = []

    @contextmanager
    def suspended() -> Iterator[None]:
        order.append("in")
        yield
        order.append("out")

    text = '{"a": "\x1b]52;c;x\x07\x7f\u202e é"}'
    assert open_in(PAGER, text, suspended, environment=pager) is None

    mode, directory_mode, shown = (tmp_path / "out").read_text().splitlines()
    assert ("400", "700") == (mode, directory_mode)
    assert '{"a": "\\u001b]52;c;x\\u0007\\u007f\\u202e é"}' == shown
    assert ["in", "out"] == order
    path = Path((tmp_path / "names").read_text().strip())
    assert (".json", False, False) == (path.suffix, path.exists(), path.parent.exists())


def test_what_goes_wrong(
    pager: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said in a sentence: no program, no command, a program that failed, no room."""

    def words(program: Program, environment: dict[str, str]) -> str | None:
        return open_in(program, "x", nullcontext, environment=environment)

    assert "there is no program /nowhere/vim: let $VISUAL or $EDITOR name an editor" == words(
        EDITOR, {"EDITOR": "/nowhere/vim -R"}
    )
    assert "$PAGER is no command: No closing quotation" == words(PAGER, {"PAGER": "'x"})
    (tmp_path / "dull").write_text("x")
    assert "a pager did not open: [Errno 13]" in str(
        words(PAGER, {"PAGER": str(tmp_path / "dull")})
    )
    monkeypatch.setenv("CODE", "3")
    assert f"{tmp_path}/my pager ended with 3" == words(PAGER, pager)
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    assert "the text was not handed over" in str(words(PAGER, pager))


def test_which_program() -> None:
    """What the user has named, or what is mostly there."""
    assert ["vim", "-R"] == command_of(EDITOR, {"VISUAL": "vim -R", "EDITOR": "ed"})
    assert ["ed"] == command_of(EDITOR, {"VISUAL": " ", "EDITOR": "ed"})
    assert (["vi"], ["less"]) == (command_of(EDITOR, {}), command_of(PAGER, {}))


def test_an_interrupt_is_the_pagers(tmp_path: Path) -> None:
    """What interrupts the pager does not interrupt us, and afterwards all is as before."""
    program = tmp_path / "pager"
    program.write_text("#!/bin/sh\nkill -INT $PPID\nkill -INT $$\nexit 0\n")
    program.chmod(0o755)
    before = signal.getsignal(signal.SIGINT)

    said = open_in(PAGER, "x", nullcontext, environment={"PAGER": str(program)})

    assert f"{program} ended with -2" == said
    assert before == signal.getsignal(signal.SIGINT)


def test_export(tmp_path: Path) -> None:
    """A new file each time, for its owner alone; nothing is written over."""
    record = bid(4, b'{"a":"\xe2\x80\xae"}', scope="../../etc/[/x]\x1b")

    first, second = export_event(record, tmp_path), export_event(record, tmp_path)

    assert ["event-40.json", "event-40-2.json"] == [first.name, second.name]
    assert (tmp_path, 0o600) == (first.parent, first.stat().st_mode & 0o777)
    text = first.read_text()
    assert "../../etc/[/x]\x1b" == json.loads(text)["scope"]
    assert text.endswith("\n")
    assert text[:-1].isprintable()


def test_export_where_there_is_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a line is not left behind."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(OSError, match="No space left"):
        export_event(bid(1), tmp_path)
    assert [] == list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError):
        export_event(bid(1), tmp_path / "nowhere")
