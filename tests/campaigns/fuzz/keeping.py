"""Which inputs are worth keeping: few and small ones that reach all that many reach."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import Any, Final, TypeAlias

ROOM: Final = f"{Path(__file__).resolve().parents[3] / 'atomic_store'}/"

Step: TypeAlias = tuple[str, int, int]
"""A file of the library, and two lines of it that were run one after the other."""


def reached(fuzz: Callable[[bytes], None], data: bytes) -> set[Step]:
    """The steps within the library that a target takes for an input."""
    steps: set[Step] = set()

    def enter(frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(ROOM):
            return None
        last = 0

        def line(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal last
            steps.add((name, last, frame.f_lineno))
            last = frame.f_lineno
            return line

        return line

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        fuzz(data)
    finally:
        sys.settrace(before)
    return steps


def worth_keeping(fuzz: Callable[[bytes], None], inputs: Iterable[bytes]) -> list[bytes]:
    """Of some inputs, few that reach everything; the smaller ones rather."""
    in_order = sorted(set(inputs), key=lambda data: (len(data), data))
    if in_order:
        # What is only run once, as caches are filled, counts for nobody.
        fuzz(in_order[0])
    steps = {data: reached(fuzz, data) for data in in_order}
    kept = _adding(in_order, steps)
    # What an early one reaches, larger ones may reach between them.
    return _adding(sorted(kept, key=lambda data: -len(steps[data])), steps)


def _adding(in_order: list[bytes], steps: dict[bytes, set[Step]]) -> list[bytes]:
    kept: list[bytes] = []
    known: set[Step] = set()
    for data in in_order:
        if not steps[data] <= known:
            known |= steps[data]
            kept.append(data)
    return kept


def keep(folder: Path, fuzz: Callable[[bytes], None], found: Path) -> int:
    """Bring a folder up to date with what was found elsewhere; gives how many are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    old = [path for path in folder.iterdir() if path.is_file()]
    inputs = [path.read_bytes() for path in [*old, *found.iterdir()] if path.is_file()]
    kept = worth_keeping(fuzz, inputs)
    for path in old:
        path.unlink()
    for data in kept:
        (folder / sha256(data).hexdigest()[:12]).write_bytes(data)
    return len(kept)
