"""The demo: a store that is made for looking at it, and removed again."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import trio

from atomic_store import Record
from atomic_store.reader import open_reader
from inspector.sources import demo
from inspector.sources.demo import demo_folding, open_demo


async def test_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are bids in it, more come while one looks, and nothing is left of it."""
    monkeypatch.setattr(demo, "BIDDERS", 3)
    monkeypatch.setattr(demo, "PACE_S", 0.001)
    async with open_demo() as path:
        async with open_reader(path) as reader:
            assert reader.head.position > demo.LOTS
            with trio.fail_after(20):
                async with reader.subscribe(after="end") as feed:
                    await anext(aiter(feed))
                    record = await anext(aiter(feed))
            assert isinstance(record, Record)

    assert not path.parent.exists()


async def test_a_demo_that_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever leaves before it is made leaves nothing behind."""
    made: list[Path] = []
    make = tempfile.mkdtemp

    def making(prefix: str) -> str:
        made.append(Path(make(prefix=prefix)))
        return str(made[-1])

    monkeypatch.setattr(tempfile, "mkdtemp", making)
    with trio.CancelScope() as scope:
        monkeypatch.setattr(demo, "LOTS", scope.cancel() or 3)
        async with open_demo():
            raise AssertionError("it has been cancelled")

    assert not [path for path in made if path.exists()]


def test_the_demo_has_a_fold() -> None:
    """What a lot's bids amount to can be shown."""
    assert "atomic_store.cli.auction:LOT_STATE" == demo_folding().name
