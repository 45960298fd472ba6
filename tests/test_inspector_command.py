"""`atomic-store inspect`: what it takes, what it refuses, and whom it lets in."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from atomic_store.cli import main
from atomic_store.cli.ending import CannotRun
from command_line import ROOT, environment
from inspector.command import Asked, inspector_of
from inspector.model.which import Which

inspect_module = import_module("atomic_store.cli.inspect")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    """A terminal that is none, and what would be shown on it."""
    shown: list[Asked] = []
    monkeypatch.setattr(inspect_module, "missing_terminal", lambda environ: None)
    monkeypatch.setattr("inspector.command.inspect", lambda asked: shown.append(asked))
    monkeypatch.delenv("ATOMIC_STORE_TOKEN", raising=False)
    return shown


def test_what_is_asked(terminal: list[Asked]) -> None:
    """Place, scope, filter and fold come to where they are shown."""
    assert 0 == main(["inspect"])
    assert 0 == main(["inspect", "a.store", "--scope", "lot/1", "--where", "type = Bid"])
    assert 0 == main(["inspect", "a.store", "--fold", "rules:tally", "--events", "rules:Bid"])

    nothing, events, folded = terminal
    assert Asked(None) == nothing
    assert ("a.store", "lot/1", 'type = "Bid"') == (
        events.place, events.scope, events.where.text if events.where else "",
    )  # fmt: skip
    assert ("rules:tally", "rules:Bid") == (folded.fold, folded.events)


def test_a_token(terminal: list[Asked], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token comes from a file or from the environment, and is never shown."""
    (tmp_path / "token").write_text("as1_secret\n")
    monkeypatch.setenv("ATOMIC_STORE_TOKEN", "as1_other")

    assert 0 == main(["inspect", "wss://a.example"])
    assert 0 == main(["inspect", "wss://a.example", "--token-file", str(tmp_path / "token")])

    assert ["as1_other", "as1_secret"] == [asked.token for asked in terminal]
    assert "as1_" not in repr(terminal)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["", ], "expected a directory or a URL, found an empty one"),
     (["a.store", "--token-file", "t"], "expected its URL as PLACE"),
     (["--token-file", "t"], "expected its URL as PLACE"),
     (["--scope", "a"], "expected PLACE, too"),
     (["--where", "type = Bid"], "expected PLACE, too"),
     (["a.store", "--events", "a:b"], "expected --fold, too"),
     (["a.store", "--where", "type ="], "--where"),
     (["wss://a", "--token-file", "/nowhere/t"], "No such file"),
     (["a.store", "b.store"], "unexpected extra argument")],
)  # fmt: skip
def test_refusals(
    terminal: list[Asked], capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """What would mean nothing is refused, with a reason."""
    assert 2 == main(["inspect", *arguments])
    assert said in capsys.readouterr().err
    assert [] == terminal


@pytest.mark.parametrize("content", [b"", b" \n", b"two words", b"\xff", b"x" * 2_000])
def test_what_is_no_token(tmp_path: Path, content: bytes) -> None:
    """A file with something else in it is refused, and what is in it is not told."""
    (tmp_path / "token").write_bytes(content)

    with pytest.raises(CannotRun, match=r"^.*token: expected a token and nothing else") as raised:
        inspect_module.token_of(str(tmp_path / "token"), {})

    assert "words" not in str(raised.value)


def test_without_a_terminal() -> None:
    """Where nothing can be drawn, one is told what prints the same."""
    run = subprocess.run(
        [sys.executable, "-m", "inspector", "a.store"], cwd=ROOT, env=environment({}),
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip

    assert (2, "") == (run.returncode, run.stdout)
    assert run.stderr.startswith("atomic-store: inspect: expected a terminal, found that stdin is")
    assert "`atomic-store scopes`" in run.stderr


def test_a_dumb_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that knows no escape sequences is none to draw on; any other one is."""
    controller, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stream, os.fdopen(controller, "rb"):
        for name in ("stdin", "stdout", "stderr"):
            monkeypatch.setattr(sys, name, stream)
        assert inspect_module.missing_terminal({"TERM": "xterm"}) is None
        assert "TERM=dumb" in inspect_module.missing_terminal({"TERM": "dumb"})
        monkeypatch.setattr(sys, "stdout", io.StringIO())
        assert "stdout" in inspect_module.missing_terminal({})
        monkeypatch.setattr(sys, "stdin", None)
        assert "stdin" in inspect_module.missing_terminal({})


def test_without_textual(
    terminal: list[Asked], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever has not installed what draws is told how to."""
    for name in [name for name in sys.modules if name.split(".")[0] in ("inspector", "textual")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "textual", None)

    assert 2 == main(["inspect"])
    assert 'pip install "trio-atomic-store[inspector]"' in capsys.readouterr().err


def test_the_command_line_does_without() -> None:
    """Nothing of the inspector is imported by a command that is another one."""
    code = (
        "import sys; from atomic_store.cli import main; main(['scopes', '--help'])\n"
        "sys.exit(any(name.split('.')[0] in ('inspector', 'textual') for name in sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment({}), capture_output=True, timeout=60
    )

    assert (0, b"") == (run.returncode, run.stderr)


def test_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The app has what was asked for, and a fold that is there."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    auction = "atomic_store.cli.auction"

    plain = inspector_of(Asked("a.store"))
    full = inspector_of(Asked("a.store", "as1_x", f"{auction}:LOT_STATE", f"{auction}:Bid", "lot"))

    assert (None, None, tmp_path) == (
        plain.which, plain.fold, plain.habits.path.parent.parent if plain.habits.path else None,
    )  # fmt: skip
    assert (Which(scope="lot"), "as1_x") == (full.which, full.token)
    assert full.fold is not None
    with pytest.raises(CannotRun, match=r"^--fold: expected module:name"):
        inspector_of(Asked("a.store", fold="nothing"))
