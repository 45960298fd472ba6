"""What a person works at: an open source, and the bridge to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs

from .bridge import Bridge
from .habits_file import HabitsFile
from .sources.source import Feature, Source

if TYPE_CHECKING:
    # Only for who names a fold: it takes time to import.
    from .folding import Folding  # noqa: TC004


@final
@attrs.frozen(eq=False)
class Desk:
    """
    An open source, for the screens.

    ``await desk.bridge.call(desk.source.position)`` asks it;
    ``async with desk.bridge.stream(desk.source.follow, which, after) as batches`` follows it.
    """

    bridge: Bridge
    source: Source
    fold: Folding | None = None
    """What a scope's events amount to; None if nobody said."""
    habits: HabitsFile = attrs.Factory(lambda: HabitsFile(None))
    """Where saved filters are."""
    kept: dict[str, Any] = attrs.field(factory=dict, kw_only=True)
    """What screens find again when they are opened again, by a name of theirs."""

    def can(self, feature: Feature) -> bool:
        """Whether the source can do something."""
        return feature in self.source.features
