"""Trio's scheduling, made to repeat: the same seed gives the same order of tasks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import trio


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let `trio.run` schedule deterministically under this seed."""
    # Trio has no public way for this; its own tests do the same.
    run = trio._core._run
    allowed, generator = run._ALLOW_DETERMINISTIC_SCHEDULING, run._r
    run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]  # declared Final
    run._r = random.Random(seed)
    try:
        yield
    finally:
        run._ALLOW_DETERMINISTIC_SCHEDULING = allowed  # type: ignore[misc]  # declared Final
        run._r = generator
