"""What operators ask for: figures, what the store consists of, whether it is sound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, final

import attrs
import trio

from ..errors import AtomicStoreError
from ..journal.stock import take_stock
from ..journal.verify import verify
from ..store import Store
from .faults import error_for
from .peer import Peer
from .protocol import server_messages as say
from .protocol.client_messages import Stats, StoreInfo, Verify
from .protocol.codes import ErrorCode

PROGRESS_S: Final = 0.5
"""How often the progress of a check is told."""
DAMAGE_SHOWN_MAX: Final = 100
"""How many findings are told; `atomic-store verify` tells more."""


@final
@attrs.define(eq=False)
class Operating:
    """
    Answers operators.

    Args:
      gateway_figures: figures of the gateway itself, by name.
    """

    store: Store[Any]
    gateway_figures: Callable[[], dict[str, Any]]
    # One check at a time: it reads the whole store. Taking stock does not wait for that.
    _verifying: trio.CapacityLimiter = attrs.Factory(lambda: trio.CapacityLimiter(1))
    _taking_stock: trio.CapacityLimiter = attrs.Factory(lambda: trio.CapacityLimiter(1))

    def figures(self) -> dict[str, Any]:
        """What happened since the store was opened, and what is there now."""
        head = self.store.head
        figures: dict[str, Any] = {
            "position": head.position,
            **attrs.asdict(self.store.statistics()),
        }
        return figures | self.gateway_figures()

    async def stats(self, peer: Peer, request: Stats) -> None:
        """Give figures once, or every so often until cancelled."""
        peer.tell(request.id, say.StatsShown(id=request.id, figures=self.figures()))
        while request.every_s is not None:
            await trio.sleep(request.every_s)
            await peer.outbox.room()
            peer.tell(request.id, say.StatsShown(id=request.id, figures=self.figures()))
        peer.finish(request.id, say.Done(id=request.id))

    async def store_info(self, peer: Peer, request: StoreInfo) -> None:
        """Say what the store consists of."""
        head, path = self.store.head, self._path()
        figures: dict[str, Any] = {"recovery": attrs.asdict(self.store.recovery)}
        try:
            if path is not None:
                stock = await trio.to_thread.run_sync(take_stock, path, limiter=self._taking_stock)
                figures["files"] = attrs.asdict(stock)
        except AtomicStoreError as error:
            peer.finish(request.id, error_for(error, request.id))
            return
        shown = say.StoreShown(
            id=request.id, store=self.store.history, position=head.position,
            commit=head.commit, figures=figures,
        )  # fmt: skip
        peer.tell(request.id, shown)
        peer.finish(request.id, say.Done(id=request.id))

    async def verify(self, peer: Peer, request: Verify) -> None:
        """Check the whole store, beside its writer; tell how far that is, and what was found."""
        path = self._path()
        if path is None:
            what = "this store has no files that could be checked"
            peer.finish(request.id, say.error(ErrorCode.NOT_FOUND, what, request.id))
            return
        progress = [0, 0]

        def on_progress(checked: int, total: int) -> None:
            trio.from_thread.check_cancelled()
            progress[:] = [checked, total]

        async def tell() -> None:
            while True:
                await trio.sleep(PROGRESS_S)
                checked, total = progress
                shown = say.Verified(id=request.id, checked_bytes=checked, total_bytes=total)
                peer.tell(request.id, shown)

        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(tell)
                found = await trio.to_thread.run_sync(
                    lambda: verify(path, on_progress=on_progress), limiter=self._verifying
                )
                nursery.cancel_scope.cancel()
        except* AtomicStoreError as errors:
            first = errors.exceptions[0]
            assert isinstance(first, AtomicStoreError)
            peer.finish(request.id, error_for(first, request.id))
        else:
            damage = [
                {
                    "file": Path(one.path).name, "offset": one.offset, "line": one.line,
                    "expected": one.expected, "found": one.found,
                }
                for one in found.damage[:DAMAGE_SHOWN_MAX]
            ]  # fmt: skip
            shown = say.Verified(
                id=request.id, checked_bytes=found.bytes, total_bytes=found.bytes,
                records=found.records, commit=found.head.commit, damage=damage,
            )  # fmt: skip
            peer.tell(request.id, shown)
            peer.finish(request.id, say.Done(id=request.id))

    def _path(self) -> Path | None:
        path: Path | None = getattr(self.store._parts.journal, "path", None)
        return path
