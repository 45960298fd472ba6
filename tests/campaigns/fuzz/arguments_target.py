"""
What the command line is given: it ends with a documented exit code, and never with a traceback.

A line is an argument; `@` in it stands for the path of a store. The first one is the number
of a command. Those that run until they are interrupted, or serve, are left out.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import trio

from atomic_store import JsonEvent, open_store
from command_line import called

COMMANDS: Final = (("events",), ("scopes",), ("state",), ("stats",), ("verify",), ("index",),
                   ("token", "list"), ("token", "add"), ("token", "revoke"), ())  # fmt: skip
DOCUMENTED: Final = {0, 1, 2}
ARGUMENTS_MAX: Final = 12
HARMFUL: Final = ("tail", "serve", "demo", "inspect", "ws:", "wss:")
"""They run until they are interrupted, or look for a gateway."""


@cache
def store() -> str:
    """The path of a small store, which is removed when the process ends."""
    parent = _kept_until_the_end()

    async def fill() -> None:
        async with open_store(parent / "a.store", events=None) as opened:
            for number in range(5):
                await opened.store_if_valid(
                    JsonEvent("Bid", {"cents": number}), lambda request: request.accept(),
                    scope=f"lot-{number % 2}", metadata={"correlation": "c-1"},
                )  # fmt: skip

    trio.run(fill)
    return str(parent / "a.store")


@cache
def _kept_until_the_end() -> Path:
    return Path(_directory().name)


@cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fuzz-")


def fuzz(data: bytes) -> None:
    """Call the command line with what some bytes stand for."""
    which, *rest = data.split(b"\n")[:ARGUMENTS_MAX]
    command = COMMANDS[sum(which[:1]) % len(COMMANDS)]
    arguments = [os.fsdecode(one.replace(b"\0", b"")) for one in rest]
    if any(reaches_far(one) for one in arguments):
        return
    with an_empty_directory():
        run = called(*command, *(one.replace("@", store()) for one in arguments))
    assert run.returncode in DOCUMENTED, run
    if run.returncode:
        assert run.stderr.startswith(b"atomic-store: ") or b"damaged" in run.stdout, run
    assert b"Traceback" not in run.stderr
    assert b"\x1b" not in run.stdout + run.stderr, "it commands the terminal"


def reaches_far(argument: str) -> bool:
    """Whether it names something outside of the directory where it runs, or never ends."""
    return "/" in argument.replace("@", "") or ".." in argument or argument.startswith(HARMFUL)


@contextmanager
def an_empty_directory() -> Iterator[None]:
    """Be somewhere where nothing is, and where nothing stays."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory(dir=_kept_until_the_end()) as here:
        os.chdir(here)
        try:
            yield
        finally:
            os.chdir(before)
