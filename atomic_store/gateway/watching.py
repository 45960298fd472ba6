"""Which scopes there are, and what changes about them: told as often as anybody can look."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, TypeAlias, final

import attrs
import trio

from ..errors import AtomicStoreError
from ..journal import ScopeEnd, Wanted
from ..scope import Scope
from ..store import Store
from .faults import error_for
from .peer import Peer
from .protocol import server_messages as say
from .protocol.client_messages import Scopes
from .protocol.rights import Right

SCOPES_MAX: Final = 1_000
"""How many scopes a page of them has at most."""
WATCH_S: Final = 0.1
"""How often changes of watched scopes are told at most."""
SCOPE_BYTES: Final = 4096
"""What a scope takes in a message: its name has at most 512 bytes, each of six characters."""

Look: TypeAlias = tuple[int, int, int]
"""What a live scope does: its round's number or 0, how many wait, its last sequence."""


@final
@attrs.define(eq=False)
class Watching:
    """Tells of scopes, and watches them."""

    store: Store[Any]
    # What all live scopes do, and when they were looked at: once for all who watch.
    _looks: Mapping[str, Look] = attrs.Factory(dict)
    _looked_at: float = -math.inf

    async def scopes(self, peer: Peer, request: Scopes) -> None:
        """Answer with a page of scopes; watching, go on with what changes, until cancelled."""
        # From before the page is read: what changes while it is sent is not missed.
        position, told = self.store.head.position, dict(self._look())
        try:
            limit = min(request.limit or SCOPES_MAX, SCOPES_MAX)
            ends = await self.store.scopes(request.prefix, request.after, limit=limit)
            await self._show(peer, request.id, ends, told)
            if request.watch:
                await self._watch(peer, request, position, told)
        except AtomicStoreError as error:
            peer.finish(request.id, error_for(error, request.id))
        else:
            peer.finish(request.id, say.Done(id=request.id))

    async def _watch(
        self, peer: Peer, request: Scopes, position: int, told: dict[str, Look]
    ) -> None:
        """Tell what changes: what was admitted, and whose rounds open and end."""
        while True:
            await trio.sleep(WATCH_S)
            now, head = self._look(), self.store.head.position
            changed = {
                name
                for name in now.keys() | told.keys()
                if now.get(name) != told.get(name) and name.startswith(request.prefix)
            }
            if head != position:
                wanted = Wanted(first=position + 1, last=head, prefix=request.prefix)
                position = head
                changed |= await self._admitted(wanted)
            if changed:
                told = dict(now)
                ends = [await self.store._parts.journal.scope_end(name) for name in sorted(changed)]
                await self._show(peer, request.id, ends, told)

    async def _show(
        self, peer: Peer, id_: int, ends: list[ScopeEnd], told: dict[str, Look]
    ) -> None:
        """Tell of some scopes, as they are when they are told; notes how that is."""
        count = max(1, peer.limits.message_bytes // SCOPE_BYTES)
        for n in range(0, max(1, len(ends)), count):
            await peer.outbox.room()
            part = ends[n : n + count]
            for end in part:
                scope = self._live(end.scope)
                if scope is None:
                    told.pop(end.scope, None)
                else:
                    told[end.scope] = _look_at(scope)
            peer.tell(id_, say.ScopesShown(id=id_, scopes=[self.shown(end, peer) for end in part]))

    async def _admitted(self, wanted: Wanted) -> set[str]:
        names: set[str] = set()
        going_on: Wanted | None = wanted
        while going_on is not None:
            page = await self.store._parts.journal.scan(going_on, limit=SCOPES_MAX)
            names |= {record.scope for record in page.records}
            going_on = None if page.next is None else going_on.going_on_at(page.next)
        return names

    def shown(self, end: ScopeEnd, peer: Peer) -> say.ScopeShown:
        """A scope as it is told: more of its round to whoever may end that."""
        plain = say.ScopeShown(
            scope=end.scope, sequence=end.sequence, position=end.position, at=end.at
        )
        live = self._live(end.scope)
        if live is None:
            return plain
        opened, now = live.admission.round, trio.current_time()
        state = "available" if opened is None else "validating"
        if opened is None or not peer.principal.may(Right.OPERATE, end.scope):
            return say.ScopeShown(
                scope=end.scope, sequence=end.sequence, position=end.position, at=end.at,
                state=state, waiting=live.admission.waiting,
            )  # fmt: skip
        return say.ScopeShown(
            scope=end.scope, sequence=end.sequence, position=end.position, at=end.at,
            state=state, waiting=live.admission.waiting, round=f"r-{opened.token.number}",
            principal=opened.proposal.principal, since_s=round(now - opened.opened_at, 3),
            deadline_s=round(max(0.0, opened.deadline - now), 3),
        )  # fmt: skip

    def _look(self) -> Mapping[str, Look]:
        now = trio.current_time()
        if now - self._looked_at >= WATCH_S / 2:
            self._looked_at = now
            self._looks = {one.name: _look_at(one) for one in self.store._supervisor.actors}
        return self._looks

    def _live(self, name: str) -> Scope | None:
        supervisor = self.store._supervisor
        scope = supervisor.scopes.get(name)
        return scope if scope in supervisor.actors else None


def _look_at(scope: Scope) -> Look:
    round_ = scope.admission.round
    number = 0 if round_ is None else round_.token.number
    return number, scope.admission.waiting, scope.sequence
