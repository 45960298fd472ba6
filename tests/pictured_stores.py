"""Where pictures are made of, as fixtures: a store, and a time that stands still."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest
import trio

from atomic_store.journal.disk import OSDisk
from pictured import NAME, Still, hold


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no time pass, no id differ, and nothing depend on where the store lies."""
    for module in ("inspector.widgets.scopes_list", "inspector.screens.event"):
        monkeypatch.setattr(f"{module}.datetime", Still)
    # Where the store lies differs from machine to machine; its name does not.
    monkeypatch.setattr(OSDisk, "resolve", lambda disk, path: os.fspath(path))
    for name in ("NO_COLOR", "COLORTERM", "TEXTUAL_THEME", "TEXTUAL_COLOR_SYSTEM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def auction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the store, and be beside it; it can be changed."""
    numbers = count(1)
    monkeypatch.setattr("atomic_store.journal.opening.uuid4", lambda: UUID(int=next(numbers)))
    monkeypatch.chdir(tmp_path)
    trio.run(hold, tmp_path / NAME)
    return Path(NAME)
