"""What every place that the inspector looks at can be asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto
from typing import Any, Protocol, TypeAlias, TypeVar, final

import attrs

from atomic_store.journal import StoredRecord
from atomic_store.journal.stock import Stock
from atomic_store.journal.verify import Verification

from ..model.scope_seen import ScopeSeen
from ..model.which import Which

T = TypeVar("T")

Send: TypeAlias = Callable[[T], Awaitable[None]]
"""Where a stream's parts go. It waits while the one who looks is behind."""

OnProgress: TypeAlias = Callable[[int, int], None]
"""Is told how much is done, and of how much."""


def nobody_looks(done: int, total: int) -> None:
    """An `OnProgress` that does nothing."""


class Feature(Enum):
    """What not every source can do."""

    STATES = auto()
    """It knows what scopes do now, and who holds a round."""
    END_ROUND = auto()
    """Rounds can be ended."""
    FILES = auto()
    """The store's files are here: segments, index files, snapshots."""
    VERIFY = auto()
    """All of it can be checked."""
    FIGURES = auto()
    """It counts what it does."""


@final
@attrs.frozen
class Health:
    """How it goes with the source, in words for people."""

    is_well: bool
    words: str
    """``closed cleanly``, ``a writer has it``, ``connected as ada``, ``lost: refused``."""


@final
@attrs.frozen
class Found:
    """Some records that a search has come to, and how far it is."""

    records: Sequence[StoredRecord]
    done: int
    """How many positions have been looked at."""
    total: int
    """How many there are to look at."""


@final
@attrs.frozen
class Followed:
    """What a source has seen since: records, perhaps none, and up to where that is all."""

    records: Sequence[StoredRecord]
    position: int
    """All that is wanted up to here has been sent."""


class Source(Protocol):
    """
    A store, seen from outside. Nothing is written, and a writer never notices.

    Everything may raise `atomic_store.errors.AtomicStoreError` (and `GatewayError` and
    `GatewayClosed`, which are such), with a message for people. All calls are checkpoints
    and may be cancelled; that changes nothing.
    """

    @property
    def place(self) -> str:
        """The path or the URL, as it may be shown: without a token."""
        ...

    @property
    def features(self) -> frozenset[Feature]:
        """What it can do."""
        ...

    async def health(self) -> Health:
        """Say how it goes now, at once: it does not wait for a lost connection."""
        ...

    async def position(self) -> int:
        """Give the last record's position now; 0 if there is none."""
        ...

    async def scope_end(self, scope: str) -> ScopeSeen | None:
        """Say where a scope ends; None if it has no record."""
        ...

    async def page(
        self, which: Which, *, after: int = 0, before: int | None = None, reverse: bool = False,
        limit: int,
    ) -> list[StoredRecord]:  # fmt: skip
        """
        Read some records that are wanted, in the order of position.

        Args:
          which: must have no filter: that may take long; see `search`.
          after, before: positions; only records between them.
          reverse: the last ones first.
          limit: as many at most.
        """
        ...

    async def in_scope(self, scope: str, first: int, last: int) -> list[StoredRecord]:
        """Read a scope's records by sequence, from `first` to `last`, both included."""
        ...

    async def at_time(self, at: str, which: Which) -> StoredRecord | None:
        """Give the first record that is wanted, at a time (ISO, a date, ``-2h``) or later."""
        ...

    async def search(
        self, send: Send[Found], which: Which, *, after: int = 0, before: int | None = None,
        reverse: bool = False,
    ) -> None:  # fmt: skip
        """
        Look through records and send those that match, the first ones at once.

        It sends also when it has found nothing for a while, so that progress can be shown,
        and ends when all was looked at.
        """
        ...

    async def follow(self, send: Send[Followed], which: Which, after: int) -> None:
        """Send all wanted records behind a position, now and as they come; until cancelled."""
        ...

    async def watch_scopes(self, send: Send[Sequence[ScopeSeen]], prefix: str = "") -> None:
        """Send all scopes, in pages and in order of their names, then those that change."""
        ...

    async def end_round(self, scope: str, token: str) -> None:
        """End somebody's round. Needs `Feature.END_ROUND`."""
        ...

    async def stock(self) -> Stock:
        """Say what the files hold, and how much room they take. Needs `Feature.FILES`."""
        ...

    async def verify(self, on_progress: OnProgress) -> Verification:
        """Check everything. Needs `Feature.VERIFY`. `on_progress` may be called in any thread."""
        ...

    async def figures(self) -> dict[str, Any]:
        """Give what a gateway counts, by name. Needs `Feature.FIGURES`."""
        ...
