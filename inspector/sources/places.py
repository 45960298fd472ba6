"""What is there to be opened: asked beside everything else, for a disk may never answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import trio

T = TypeVar("T")

NAMES_MAX: Final = 2_000
"""How many names in a directory are looked at, to complete one."""


def is_url(place: str) -> bool:
    """Say whether a place is a gateway's, and no path."""
    scheme, colon, _ = place.partition("://")
    return bool(colon) and scheme.isalnum()


async def is_there(place: str) -> bool | None:
    """
    Say whether a directory is still there; None for a gateway, which is not asked.

    Checkpoints: always. Cancellation: at once; a disk that does not answer is left alone.
    """
    if is_url(place):
        await trio.lowlevel.checkpoint()
        return None
    return await _apart(lambda: _path(place).is_dir())


async def completed(text: str) -> str | None:
    """
    Complete the path of a directory that somebody types; None if there is none.

    Names that begin with a dot are only found if the dot was typed.

    Checkpoints: always. Cancellation: as `is_there`.
    """
    if not text or is_url(text):
        await trio.lowlevel.checkpoint()
        return None
    return await _apart(lambda: _completed(text))


async def _apart(ask: Callable[[], T]) -> T:
    return await trio.to_thread.run_sync(ask, abandon_on_cancel=True)


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        # There is no such user.
        return Path(text)


def _completed(text: str) -> str | None:
    folder, slash, begun = text.rpartition("/")
    try:
        found = []
        with os.scandir(_path(f"{folder}{slash}" or ".")) as entries:
            for entry, _ in zip(entries, range(NAMES_MAX), strict=False):
                is_hidden = entry.name.startswith(".") and not begun.startswith(".")
                if entry.name.startswith(begun) and not is_hidden and entry.is_dir():
                    found.append(entry.name)
    except (OSError, ValueError):
        return None
    return f"{folder}{slash}{min(found)}/" if found and text != "~" else None
