"""Connections that decide the proposals of others: who gets which round."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, final

import attrs
import msgspec
import trio

from .past import Held
from .peer import Peer
from .presentation import Presentation
from .protocol import server_messages as say
from .protocol.client_messages import Decide, Need, ValidateFor
from .protocol.codes import ErrorCode
from .protocol.session import stale
from .rounds import WireRound

SCOPES_REMEMBERED: Final = 10_000
"""For how many scopes it is remembered what a validator was shown; of others it gets all again."""


@final
@attrs.define(eq=False)
class Registration:
    """
    An offer to decide rounds of the scopes that begin with a prefix.

    Taken back, it gives back what was not decided, and stays until it was told how the rest
    has ended.
    """

    validators: Validators
    peer: Peer
    request: ValidateFor
    rounds_max: int
    number: int
    """Which of all offers it is; older ones have smaller numbers."""
    # The rounds that it is shown, by name.
    _active: dict[str, tuple[WireRound, Presentation]] = attrs.Factory(dict)
    # Invariant: in the order of use.
    _seen: OrderedDict[str, int] = attrs.Factory(OrderedDict)
    # What ends its request; None while the offer stands.
    _last: say.ServerMessage | None = None

    @property
    def free(self) -> int:
        """How many rounds it can take."""
        return self.rounds_max - len(self._active)

    @property
    def stands(self) -> bool:
        """Whether it has not been taken back."""
        return self._last is None

    def show(self, round_: WireRound) -> None:
        """Show it a round."""
        request = self.request
        shown = round_.show(
            self.peer, request.id, held=Held(self._seen.get(round_.proposal.scope, 0)),
            with_past=request.past, with_state=request.state, audience=self,
        )  # fmt: skip
        self._active[shown.name] = round_, shown

    def has_seen(self, scope: str, sequence: int) -> None:
        """Remember what it was shown of a scope's past."""
        self._seen[scope] = sequence
        self._seen.move_to_end(scope)
        if len(self._seen) > SCOPES_REMEMBERED:
            self._seen.popitem(last=False)

    def decide(self, message: Decide) -> say.Error | None:
        """Take a decision; gives why it does not count, if so."""
        found = self._active.get(message.round)
        if found is None:
            return stale(message, "that round is over")
        return found[0].decide(message, self.peer)

    def need(self, message: Need) -> say.Error | None:
        """Show a round again, with the past behind a sequence."""
        found = self._active.get(message.round)
        if found is None or not found[0].is_open:
            return stale(message, "that round is over")
        found[1].show_again(message.known)
        return None

    def over(self, shown: Presentation, outcome: str) -> None:
        """A round that it was shown has ended."""
        del self._active[shown.name]
        self._say_over(shown, outcome)
        if self.stands:
            self.validators.serve()
        else:
            self.end_if_all_told()

    def take_back(self, last: say.ServerMessage) -> list[WireRound]:
        """Take the offer back, to end with a message; gives the rounds that were not decided."""
        self._last = last
        open_rounds = []
        for name, (round_, shown) in list(self._active.items()):
            if round_.is_open:
                del self._active[name]
                round_.drop()
                self._say_over(shown, "withdrawn")
                open_rounds.append(round_)
        return open_rounds

    def end_if_all_told(self) -> None:
        """End the request of an offer that was taken back, if no round is left."""
        if self._last is not None and not self._active:
            self.validators.forget(self)
            self.peer.finish(self.request.id, self._last)

    def give_up(self) -> None:
        """Do not wait for how the rounds end that it has decided."""
        active, self._active = self._active, {}
        for round_, shown in active.values():
            round_.drop()
            self._say_over(shown, "failed")

    def _say_over(self, shown: Presentation, outcome: str) -> None:
        if shown.is_begun:
            self.peer.tell(
                self.request.id, say.Over(id=self.request.id, round=shown.name, outcome=outcome)
            )


@final
@attrs.define(eq=False, repr=False)
class Validators:
    """All offers to decide, and the rounds that wait for one."""

    rounds_max: int
    # By connection and request; also those that were taken back and have not ended.
    # Invariant: no connection is there without one.
    _registrations: dict[int, dict[int, Registration]] = attrs.Factory(dict)
    # Those that stand.
    _offers: dict[Registration, None] = attrs.Factory(dict)
    # Invariant: they are open, and there is nobody who is free for them.
    _waiting: OrderedDict[WireRound, None] = attrs.Factory(OrderedDict)
    _count: int = 0
    # Who waits until a connection has no offer left.
    _ends: dict[int, trio.Event] = attrs.Factory(dict)

    def register(self, peer: Peer, request: ValidateFor) -> None:
        """Take an offer."""
        self._count += 1
        rounds_max = min(request.rounds, self.rounds_max)
        registration = Registration(self, peer, request, rounds_max, self._count)
        self._registrations.setdefault(peer.number, {})[request.id] = registration
        self._offers[registration] = None
        self.serve()

    def find(self, peer: Peer, id_: int) -> Registration | None:
        """The offer that a connection made by a request, if that has not ended."""
        return self._registrations.get(peer.number, {}).get(id_)

    def has_any_for(self, scope: str) -> bool:
        """Whether somebody has offered to decide for a scope."""
        return any(scope.startswith(one.request.prefix) for one in self._offers)

    def assign(self, round_: WireRound) -> None:
        """Show a round to whom it is for, or have it wait until somebody is free."""
        if not self._is_assigned(round_):
            self._waiting[round_] = None

    def _is_assigned(self, round_: WireRound) -> bool:
        chosen = self.choose(round_.proposal.scope)
        if chosen is not None:
            chosen.show(round_)
        return chosen is not None

    def choose(self, scope: str) -> Registration | None:
        """The free one with the longest prefix, then with most free rounds, then the oldest."""
        able = [
            one for one in self._offers if one.free > 0 and scope.startswith(one.request.prefix)
        ]
        return max(
            able, key=lambda one: (len(one.request.prefix), one.free, -one.number), default=None
        )

    def serve(self) -> None:
        """Show the rounds that wait to whoever is free now."""
        while self._waiting and any(one.free > 0 for one in self._offers):
            found = next(self._servable(), None)
            if found is None:
                return
            round_, chosen = found
            del self._waiting[round_]
            chosen.show(round_)

    def _servable(self) -> Iterator[tuple[WireRound, Registration]]:
        for round_ in self._waiting:
            chosen = self.choose(round_.proposal.scope)
            if chosen is not None:
                yield round_, chosen

    def drop(self, round_: WireRound) -> None:
        """A round has ended: it waits for nobody."""
        self._waiting.pop(round_, None)

    def unregister(self, peer: Peer, id_: int, last: say.ServerMessage) -> None:
        """
        An offer is taken back: its rounds go to others, with new names and their deadlines.

        Args:
          last: ends its request, once it was told of all rounds that it has decided.
        """
        registration = self.find(peer, id_)
        if registration is not None and registration.stands:
            self._take_back({registration: last})

    def stop(self, peer: Peer, why: say.Error) -> None:
        """Take back all offers of a connection: each ends with an error."""
        self._take_back(
            {
                registration: msgspec.structs.replace(why, id=id_)
                for id_, registration in self._registrations.get(peer.number, {}).items()
                if registration.stands
            }
        )

    async def all_told(self, peer: Peer) -> None:
        """Wait until no offer of a connection is left."""
        if peer.number in self._registrations:
            await self._ends.setdefault(peer.number, trio.Event()).wait()

    def leave(self, peer: Peer) -> None:
        """A connection is gone, and its offers with it."""
        self.stop(peer, say.error(ErrorCode.SHUTTING_DOWN, "the connection has ended"))
        for registration in list(self._registrations.get(peer.number, {}).values()):
            registration.give_up()
            self.forget(registration)

    def forget(self, registration: Registration) -> None:
        """An offer has ended."""
        peer, id_ = registration.peer, registration.request.id
        of_peer = self._registrations[peer.number]
        del of_peer[id_]
        if not of_peer:
            del self._registrations[peer.number]
            if peer.number in self._ends:
                self._ends.pop(peer.number).set()

    def _take_back(self, offers: dict[Registration, say.ServerMessage]) -> None:
        # First none of them is left that could be chosen for what another one gives back.
        for registration in offers:
            del self._offers[registration]
        rounds = [
            round_
            for registration, last in offers.items()
            for round_ in registration.take_back(last)
        ]
        left = [round_ for round_ in rounds if not self._is_assigned(round_)]
        for round_ in reversed(left):
            # Before the others: their deadlines are nearer.
            self._waiting[round_] = None
            self._waiting.move_to_end(round_, last=False)
        for registration in offers:
            registration.end_if_all_told()
