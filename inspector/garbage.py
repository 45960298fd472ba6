"""When garbage is looked for: seldom, because the screen waits for that."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_THRESHOLDS: Final = (2_000, 5, 100)
"""After how many new objects the young are looked at, and after how many such looks the older."""


@contextmanager
def while_importing() -> Iterator[None]:
    """Look for none in a block: what modules make stays, and looking takes a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def seldom() -> None:
    """
    Look at what there is by now never again, and at what is old seldom.

    Going through a hundred thousand scopes, to see whether some are garbage, would hold up key
    presses for some hundredths of a second each time.
    """
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
