"""Programs of the machine: found, or said to be missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import require_tool


def test_gives_the_path() -> None:
    """A program that is there comes with its path."""
    assert "sh" == Path(require_tool("sh")).name


def test_skips_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """On somebody's machine, a missing program skips the test and says how to get it."""
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="apt-get install no-such-program"):
        require_tool("no-such-program")


def test_fails_where_nothing_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `CI` set, a missing program fails the test."""
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="no-such-program is not installed"):
        require_tool("no-such-program")
