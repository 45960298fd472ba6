"""How long commits take."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import trio

from atomic_store import JsonEvent, ValidationRequest, open_store
from atomic_store.journal.commit_times import COMMITS_KEPT, CommitTimes
from atomic_store.journal.disk import OSDisk


def accept(request: ValidationRequest[Any]) -> Any:
    """Take everything."""
    return request.accept()


def times(*seconds: float) -> CommitTimes:
    """Commits that took so long."""
    kept = CommitTimes()
    for one in seconds:
        kept.add(one)
    return kept


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ((), (None, None, None)),
        ((0.5,), (0.5, 0.5, 0.5)),
        ((3.0, 1.0), (1.0, 3.0, 3.0)),
        ((3.0, 1.0, 2.0), (2.0, 3.0, 3.0)),
        (tuple(range(100, 0, -1)), (50, 99, 100)),
        (tuple(range(1, 102)), (51, 100, 101)),
    ],
)
def test_quantiles(seconds: tuple[float, ...], expected: tuple[float | None, ...]) -> None:
    """Each is a time that was taken: as many as are meant took that long at most."""
    assert expected == times(*seconds).quantiles_s(0.5, 0.99, 1)


def test_the_ends() -> None:
    """No share is the shortest one, the whole is the longest."""
    assert (1.0, 4.0) == times(3.0, 1.0, 4.0).quantiles_s(0, 1)


def test_only_the_last_ones() -> None:
    """All are counted; how long it took is known of the last ones."""
    kept = times(9.0, *[1.0] * COMMITS_KEPT)

    assert COMMITS_KEPT + 1 == kept.count
    assert (1.0,) == kept.quantiles_s(1)


async def test_a_store_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit's time is that of its write and its fdatasync, and no other."""
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    sync = OSDisk.fdatasync

    def slow(disk: OSDisk, file: int) -> None:
        nonlocal now
        now += 0.25
        sync(disk, file)

    async with open_store(tmp_path / "s", events=None) as store:
        assert (0, None) == (store.statistics().commits, store.statistics().commit_max_s)
        monkeypatch.setattr(OSDisk, "fdatasync", slow)
        for _ in range(2):
            await store.store_if_valid(JsonEvent("A", {}), accept, scope="a")
            now += 7
        told = store.statistics()

    assert (2, 0.25, 0.25, 0.25) == (
        told.commits, told.commit_p50_s, told.commit_p99_s, told.commit_max_s,
    )  # fmt: skip


async def test_what_nobody_waited_for_long(tmp_path: Path) -> None:
    """Real commits take more than nothing, and no longer than they were waited for."""
    async with open_store(tmp_path / "s", events=None) as store:
        began = time.perf_counter()
        await store.store_if_valid(JsonEvent("A", {}), accept, scope="a")
        waited_s = time.perf_counter() - began
        longest_s = store.statistics().commit_max_s

    assert longest_s is not None
    assert 0 < longest_s < waited_s


async def test_a_journal_that_does_not_tell() -> None:
    """A store in memory has none that take time."""
    async with open_store(":memory:", events=None) as store:
        await store.store_if_valid(JsonEvent("A", {}), accept, scope="a")
        await trio.lowlevel.checkpoint()
        told = store.statistics()

    assert (0, None, None, None) == (
        told.commits, told.commit_p50_s, told.commit_p99_s, told.commit_max_s,
    )  # fmt: skip
