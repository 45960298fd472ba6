"""The log of `atomic-store serve`: lines for programs, no token, and never in the way."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trio

from atomic_store.gateway import Right
from command_line import called, lines_of
from served_stores import ServedStore, serving, talking

A_TOKEN = "as1_" + "x" * 43


def added(file: Path) -> str:
    """A new token that may do anything."""
    rights = [f"--{right}=" for right in (*Right,)]
    (line,) = lines_of(called("token", "add", file, "--principal", "ada", *rights))
    return line


@pytest.fixture
def tokens(tmp_path: Path) -> tuple[Path, str]:
    """A token file, and the token in it."""
    file = tmp_path / "tokens.json"
    return file, added(file)


def stderr_of(served: ServedStore) -> Path:
    """What has the place of its stderr."""
    return Path(f"/proc/{served.process.pid}/fd/2").readlink()


async def bid(served: ServedStore, cents: int, **options: Any) -> bool:
    """Propose and accept a bid on a connection of its own; whether it was stored."""
    async with talking(served.url, **options) as talk:
        await talk.hear()
        return bool((await talk.bid(1, cents))["accepted"])


async def test_it_is_json_and_holds_no_token(tokens: tuple[Path, str], tmp_path: Path) -> None:
    """However a token comes, good or not, and wherever a client puts one."""
    file, token = tokens
    good: list[dict[str, Any]] = [
        {"hello": {"token": token}},
        {"headers": (("Authorization", f"Bearer {token}"),)},
        {"protocols": (f"bearer.{token}",)},
        {"hello": {"token": token, "client": f"me {token} \x1b[31m\u202e"}},
    ]
    bad: list[dict[str, Any]] = [
        {"hello": {"token": A_TOKEN}},
        {"headers": (("Authorization", f"Bearer {A_TOKEN}, {A_TOKEN}"),)},
        {"headers": (("Origin", f"https://{A_TOKEN}.example"),)},
    ]
    async with serving(tmp_path / "s", "--tokens", file) as served:
        for n, options in enumerate(good):
            assert await bid(served, n, **options)
        for options in bad:
            async with talking(served.url, **options) as talk:
                heard, code = await talk.rest()
                assert ([], True) == (heard, code in (4401, 4403))
        assert 0 == await served.end()
        lines = served.log_text.decode().splitlines()

    assert [json.loads(line) for line in lines] == served.log
    assert "".join(lines).isprintable()
    assert token[4:30] not in "".join(lines)
    assert A_TOKEN[4:30] not in "".join(lines)
    assert {
        "opened", "listening", "connected", "hello", "disconnected", "unauthorized", "refused",
        "stopping", "shutting_down", "stopped",
    } == {line["event"] for line in served.log}  # fmt: skip
    assert all({"at", "level"} <= line.keys() for line in served.log)
    hellos = await served.logged("hello")
    assert ("ada", True, True) == (
        hellos[3]["principal"], hellos[3]["client"].startswith("me as1_…"),
        hellos[3]["client"].endswith(" \x1b[31m\u202e"),
    )  # fmt: skip


async def test_for_people(tmp_path: Path) -> None:
    """`--log-format text`: a time, a level, and what happened, in words."""
    async with serving(tmp_path / "s", "--log-format=text") as served:
        assert await bid(served, 1, hello={"client": "a shop"})
        await served.end()
        text = served.log_text.decode()

    assert f"info    listening url={served.url}\n" in text
    assert 'info    hello connection=1 principal=local client="a shop"\n' in text


async def test_the_end_of_the_log_is_written(tmp_path: Path) -> None:
    """What waits when it ends is not lost."""
    async with serving(tmp_path / "s") as served:
        await served.end()

        assert "stopped" == served.log[-1]["event"]


async def test_a_log_that_nobody_reads(tmp_path: Path) -> None:
    """A pipe that is full holds up nobody, nor does it keep the gateway from ending."""
    reading, writing = os.pipe()
    try:
        size = fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        async with serving(tmp_path / "s", stderr=writing) as served:
            for cents in range(1, 1 + size // 100):
                assert await bid(served, cents)

            assert 0 == await served.end()
    finally:
        os.close(reading)
        os.close(writing)


async def test_a_log_on_a_full_disk(tmp_path: Path) -> None:
    """Its lines are lost, and nothing else."""
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        async with serving(tmp_path / "s", stderr=full) as served:
            assert await bid(served, 1)
            assert 0 == await served.end()
    finally:
        os.close(full)


async def test_without_stderr(tmp_path: Path) -> None:
    """Where it is closed, there is no log, and none of it lands in a file of the store."""
    async with serving(
        tmp_path / "s", stderr=subprocess.DEVNULL, preexec_fn=lambda: os.close(2)
    ) as served:
        assert await bid(served, 1)
        assert Path("/dev/null") == stderr_of(served)
        assert 0 == await served.end()

    texts = [file.read_bytes() for file in (tmp_path / "s").rglob("*") if file.is_file()]
    assert [] == [text for text in texts if b"listening" in text]
    verified = await trio.to_thread.run_sync(_verified, tmp_path / "s")
    assert ": not damaged" in verified


def _verified(store: Path) -> str:
    return "".join(lines_of(called("verify", store)))
