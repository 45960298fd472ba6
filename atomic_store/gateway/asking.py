"""Queries, and which scopes there are: pages of what is durable."""

from __future__ import annotations

from typing import Any, Final, final

import attrs
import trio

from ..errors import AtomicStoreError
from ..intake import check_scope
from ..journal import ScopeEnd, Wanted
from ..reading import filter_of, moment
from ..store import Store
from .faults import error_for
from .peer import Peer
from .protocol import server_messages as say
from .protocol.client_messages import Query, Scopes
from .protocol.codes import ErrorCode
from .protocol.paging import FRAME_BYTES, pages, record_text, records_body, records_head
from .protocol.rights import Right

SCANNED_MAX: Final = 20_000
"""How many positions a query looks at before its page is over."""
SCOPES_MAX: Final = 1_000
"""How many scopes a page of them has at most."""
WATCH_S: Final = 0.1
"""How often changes of watched scopes are told at most."""


@final
@attrs.define(eq=False)
class Asking:
    """Answers what is asked for once, and watches scopes."""

    store: Store[Any]

    async def query(self, peer: Peer, request: Query) -> None:
        """Answer a query with a page of records."""
        try:
            await self._query(peer, request)
        except (AtomicStoreError, ValueError) as error:
            answer = error_for(error, request.id)
            if isinstance(error, ValueError) and not isinstance(error, AtomicStoreError):
                answer = say.error(ErrorCode.BAD_MESSAGE, str(error), request.id)
            peer.finish(request.id, answer)

    async def _query(self, peer: Peer, request: Query) -> None:
        limit = min(request.limit or peer.limits.page_records, peer.limits.page_records)
        wanted: Wanted | None = await self._wanted(request)
        head = self.store.head.position
        bytes_max = peer.limits.message_bytes - FRAME_BYTES
        scanned = 0
        while wanted is not None and limit > 0 and scanned < SCANNED_MAX:
            page = await self.store._parts.journal.scan(wanted, limit=limit)
            limit -= len(page.records)
            scanned += _passed(wanted, page.next, head)
            texts = (record_text(record, bytes_max) for record in page.records)
            for texts_page in pages(texts, bytes_max, peer.limits.page_records):
                await peer.outbox.room()
                # In the order of its other messages: the last one is an answer, too.
                peer.outbox.answer(records_head(request.id) + records_body(texts_page))
            wanted = None if page.next is None else wanted.going_on_at(page.next)
        following = None if wanted is None else await self._going_on(request, wanted, head)
        peer.finish(request.id, say.Done(id=request.id, next=following, scanned=scanned))

    async def _going_on(self, request: Query, wanted: Wanted, head: int) -> int | None:
        """
        Give what takes the place of the bound that a query was asked with.

        A sequence where it was asked by sequences, else a position: `after`, or `before`
        where the last one comes first.
        """
        position = (wanted.last or head) + 1 if wanted.reverse else wanted.first - 1
        if request.after_sequence is None and request.before_sequence is None:
            return position
        passed = Wanted(
            scope=request.scope, reverse=not wanted.reverse,
            first=position if wanted.reverse else 1, last=None if wanted.reverse else position,
        )  # fmt: skip
        page = await self.store._parts.journal.scan(passed, limit=1)
        return page.records[0].sequence if page.records else None

    async def _wanted(self, request: Query) -> Wanted | None:
        if request.scope is not None:
            check_scope(request.scope)
        reverse = request.order == "desc"
        at = None if request.at is None else moment(request.at, reverse=reverse)
        first, last = (request.after or 0) + 1, None
        if request.before is not None:
            last = request.before - 1
        bounds = (request.after_sequence, request.before_sequence)
        if bounds != (None, None):
            if request.scope is None:
                raise ValueError("expected sequences only with `scope`")
            found = await self._positions(request.scope, *bounds)
            if found is None:
                return None
            first = max(first, found[0])
            last = found[1] if last is None else min(last, found[1])
        if last is not None and last < first:
            return None
        return Wanted(
            first=first, last=last, scope=request.scope, prefix=request.prefix or "",
            since=None if reverse else at, until=at if reverse else None,
            where=filter_of(request.where), reverse=reverse,
        )  # fmt: skip

    async def _positions(
        self, scope: str, after: int | None, before: int | None
    ) -> tuple[int, int] | None:
        """The positions between which some sequences lie; None if there are none."""
        journal = self.store._parts.journal
        first, last = (after or 0) + 1, None if before is None else before - 1
        if last is not None and last < first:
            return None
        begin = await journal.read_scope(scope, first=first, last=last, limit=1)
        end = await journal.read_scope(scope, first=first, last=last, limit=1, reverse=True)
        return (begin[0].position, end[0].position) if begin else None

    # --- scopes ----------------------------------------------------------------------------

    async def scopes(self, peer: Peer, request: Scopes) -> None:
        """Answer with a page of scopes; watching, go on with what changes, until cancelled."""
        try:
            limit = min(request.limit or SCOPES_MAX, SCOPES_MAX)
            ends = await self.store.scopes(request.prefix, request.after, limit=limit)
            await self._show(peer, request.id, ends)
            if request.watch:
                await self._watch(peer, request)
        except AtomicStoreError as error:
            peer.finish(request.id, error_for(error, request.id))
        else:
            peer.finish(request.id, say.Done(id=request.id))

    async def _show(self, peer: Peer, id_: int, ends: list[ScopeEnd]) -> None:
        shown = [self.shown(end, peer) for end in ends]
        # A scope's name has at most 512 bytes, of which each may take six characters.
        count = max(1, peer.limits.message_bytes // 4096)
        for n in range(0, max(1, len(shown)), count):
            await peer.outbox.room()
            peer.say(say.ScopesShown(id=id_, scopes=shown[n : n + count]))

    async def _watch(self, peer: Peer, request: Scopes) -> None:
        """Tell what changes: what was admitted, and whose rounds open and end."""
        position = self.store.head.position
        before = dict(self.store.live_scopes())
        while True:
            await trio.sleep(WATCH_S)
            now = dict(self.store.live_scopes())
            changed = {
                name
                for name in now.keys() | before.keys()
                if name.startswith(request.prefix) and now.get(name) != before.get(name)
            }
            before = now
            head = self.store.head.position
            if head != position:
                wanted = Wanted(first=position + 1, last=head, prefix=request.prefix)
                position = head
                changed |= await self._admitted(wanted)
            ends = [await self.store._parts.journal.scope_end(name) for name in sorted(changed)]
            if ends:
                await self._show(peer, request.id, ends)

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
        live = self.store._supervisor.scopes.get(end.scope)
        plain = say.ScopeShown(
            scope=end.scope, sequence=end.sequence, position=end.position, at=end.at
        )
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


def _passed(wanted: Wanted, following: int | None, head: int) -> int:
    """How many positions a page has passed by."""
    last = min(wanted.last or head, head)
    if wanted.reverse:
        return max(0, last - (wanted.first - 1 if following is None else following))
    return max(0, (last + 1 if following is None else following) - wanted.first)
