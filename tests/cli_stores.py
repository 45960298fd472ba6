"""Stores for the command line to look into, as fixtures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import trio

from atomic_store import JsonEvent, open_store
from command_line import HOSTILE, atomic_store, counts, lines_of


@pytest.fixture(scope="session")
def auctioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which an auction of 2,000 bids was held; not to be changed."""
    store = tmp_path_factory.mktemp("auction") / "auction.store"
    run = atomic_store("demo", "--store", store, "--bidders", "100", "--bids-per-bidder", "20")
    assert 2_000 == counts(lines_of(run))[0]
    return store


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose scopes and data try to command terminals; not to be changed."""
    store = tmp_path_factory.mktemp("hostile") / "hostile.store"

    async def fill() -> None:
        async with open_store(store, events=None) as opened:
            for scope in (HOSTILE, "../../etc/passwd", "é"):
                await opened.store_if_valid(
                    JsonEvent("Said", {"text": HOSTILE, "long": "x" * 300}),
                    lambda request: request.accept(meta=HOSTILE),
                    scope=scope,
                    metadata={HOSTILE: 1},
                )

    trio.run(fill)
    return store


@pytest.fixture
def copy(auctioned: Path, tmp_path: Path) -> Path:
    """A copy of `auctioned`, to be damaged."""
    return Path(shutil.copytree(auctioned, tmp_path / "copy.store"))
