"""`atomic-store tail`: the last records, then each that follows, until it is interrupted."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from atomic_store import JsonEvent, Store, open_store
from command_line import HOSTILE, command, environment


@asynccontextmanager
async def tailing(*arguments: str | Path) -> AsyncIterator[trio.Process]:
    """The real program, following."""
    process = await trio.lowlevel.open_process(
        command("tail", *arguments),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
            for stream in (process.stdout, process.stderr):
                assert stream is not None
                await stream.aclose()


async def lines(process: trio.Process, count: int) -> list[str]:
    """The next lines that it prints."""
    assert process.stdout is not None
    said = b""
    while said.count(b"\n") < count:
        some = await process.stdout.receive_some()
        assert some, "it has ended"
        said += some
    return said.decode().splitlines()


async def said(process: trio.Process) -> str:
    """All that it complains of."""
    assert process.stderr is not None
    return b"".join([some async for some in process.stderr]).decode()


async def say(store: Store[JsonEvent], count: int, scope: str = "a") -> None:
    for n in range(count):
        await store.store_if_valid(
            JsonEvent("Said", {"n": n, "text": HOSTILE}),
            lambda request: request.accept(),
            scope=scope,
        )


async def test_the_last_ones_and_those_that_follow(tmp_path: Path) -> None:
    """Ten, or as many as are asked for; over closing and opening again; Ctrl-C ends it."""
    path = tmp_path / "s"
    with trio.fail_after(60):
        async with open_store(path, events=None) as store:
            await say(store, 15)
            async with tailing(path, "--json") as process:
                found = [json.loads(line)["position"] for line in await lines(process, 10)]
                assert [*range(6, 16)] == found
                await say(store, 2)
                assert [16, 17] == [
                    json.loads(line)["position"] for line in await lines(process, 2)
                ]
                process.send_signal(signal.SIGINT)
                assert ("\n", 130) == (await said(process), await process.wait())
        async with tailing(path, "--lines=1") as process:
            (line,) = await lines(process, 1)
            assert "      17  " in line
            assert line.isprintable()
            async with open_store(path, events=None) as store:
                await say(store, 1)
            (line,) = await lines(process, 1)
            assert "      18  " in line


async def test_only_what_is_asked_for(tmp_path: Path) -> None:
    """A scope, a prefix, a filter; none of what is there already."""
    path = tmp_path / "s"
    with trio.fail_after(60):
        async with open_store(path, events=None) as store:
            for scope in ("a", "ab", "c"):
                await say(store, 3, scope)
            for chosen, expected in (
                (["--scope=a"], [11, 12]),
                (["--prefix=a"], [11, 12]),
                (["--where=data.n = 1 scope = a"], [12]),
            ):
                async with tailing(path, "--json", "--lines=1", *chosen) as process:
                    await lines(process, 1)
                    await say(store, 1, "c")
                    await say(store, 2)
                    found = await lines(process, len(expected))
                    assert [line for line in found if '"scope":"c"' in line] == []
                    assert len(expected) == len(found)
            await say(store, 1, "new")
            async with tailing(path, "--lines=0", "--scope=new") as process:
                async with trio.open_nursery() as nursery:
                    # Nothing shows when it is ready.
                    nursery.start_soon(say, store, 1_000_000, "new")
                    (line, *_) = await lines(process, 1)
                    nursery.cancel_scope.cancel()
                assert "  new #1  " not in line


async def test_a_reader_who_leaves(tmp_path: Path) -> None:
    """It is no error, and ends it with the next record."""
    path = tmp_path / "s"
    with trio.fail_after(60):
        async with open_store(path, events=None) as store:
            await say(store, 1)
            async with tailing(path) as process:
                await lines(process, 1)
                assert process.stdout is not None
                await process.stdout.aclose()
                await say(store, 1)
                assert ("", 141) == (await said(process), await process.wait())


async def test_a_store_that_goes_away(tmp_path: Path) -> None:
    """Exit 2, and it says so."""
    path = tmp_path / "s"
    with trio.fail_after(60):
        async with open_store(path, events=None) as store:
            await say(store, 1)
        async with tailing(path) as process:
            await lines(process, 1)
            path.rename(tmp_path / "elsewhere")
            assert 2 == await process.wait()
            assert f"expected a store at {path}, found nothing" in await said(process)
