"""One event of a store's files, sound and damaged, beside their writer, and of a gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from atomic_store import Fold, JsonEvent
from atomic_store.events import event_types
from event_desks import EventApp, bid, lines_of, piloted, press, text_of
from inspector.folding import Folding
from inspector.sources.source import Source
from inspector_sources import Open, beside, closed, damaged, served, spoiled

SCOPE = "ö <[/x]>"
"""Each fifth record's: of 60, it has twelve, with n = 4, 9, … 59 and positions 5, 10, … 60."""
LOST = 6
"""Of the damaged record at position 30, in this scope."""


def source_of(kind: Open, path: Path) -> Callable[[], AbstractAsyncContextManager[Source]]:
    """Open only the source of a kind."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Source]:
        async with kind(path) as looked:
            yield looked.source

    return opened


def summed(state: int, event: JsonEvent) -> int:
    """Add all n."""
    return state + int(event.data["n"])


SUM = Folding("rules:sum", Fold(0, summed), event_types(None))


def looking(kind: Open, path: Path, main: Any, fold: Folding | None = None) -> None:
    """Look at the last event of the scope."""
    piloted(main, [bid(1, scope=SCOPE)], other=source_of(kind, path), fold=fold)


@pytest.mark.parametrize("kind", [closed, beside, served], ids=lambda kind: kind.__name__)
def test_sound_sources(kind: Open, tmp_path: Path) -> None:
    """Each view, and the way to the first event and back."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        assert f"{SCOPE} > 12 of 12" in lines_of(app)[0]
        assert "     n: 59" in lines_of(app)
        await press(app, pilot, "3", "P", "n")
        assert " ~ data.n  4 → 9" in lines_of(app)
        assert " ~ state  4 → 13" in lines_of(app)
        await press(app, pilot, "4")
        assert "   state: 13" in lines_of(app)
        await press(app, pilot, "N")
        assert f"   state: {sum(range(4, 60, 5))}" in lines_of(app)
        await press(app, pilot, "2")
        assert '"n":59' in text_of(app).replace("\n ", "")

    looking(kind, tmp_path, main, SUM)


@pytest.mark.parametrize("kind", [damaged, spoiled], ids=lambda kind: kind.__name__)
def test_damaged_sources(kind: Open, tmp_path: Path) -> None:
    """What is damaged says so, whatever is asked of it; all else can be looked at."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, *("p" * (12 - LOST)))
        assert f"{SCOPE} > {LOST} of 12" in lines_of(app)[0]
        assert "damage" in text_of(app) or "lacks" in text_of(app)
        await press(app, pilot, "p")
        assert "     n: 24" in lines_of(app)
        await press(app, pilot, "n", "n")
        assert "     n: 34" in lines_of(app)
        for view in "34":
            await press(app, pilot, view)
            assert "damage" in text_of(app) or "lacks" in text_of(app) or "found 11" in text_of(app)

    looking(kind, tmp_path, main, SUM)


@pytest.mark.parametrize("kind", [damaged, spoiled], ids=lambda kind: kind.__name__)
def test_the_past_of_a_damaged_scope(kind: Open, tmp_path: Path) -> None:
    """The list of what was before it has a gap, and does not ask for it for ever."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "4", "g")
        assert "n=4 " in text_of(app)
        assert "n=54 " in text_of(app)
        assert "n=29 " not in text_of(app)

    looking(kind, tmp_path, main)
