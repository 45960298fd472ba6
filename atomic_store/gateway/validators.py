"""Connections that decide the proposals of others: who gets which round."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final, final

import attrs

from .peer import Peer
from .protocol import server_messages as say
from .protocol.client_messages import Decide, Need, ValidateFor
from .protocol.session import stale
from .rounds import Presentation, WireRound

SCOPES_REMEMBERED: Final = 10_000
"""For how many scopes it is remembered what a validator was shown; of others it gets all again."""


@final
@attrs.define(eq=False)
class Registration:
    """An offer to decide rounds of the scopes that begin with a prefix."""

    validators: Validators
    peer: Peer
    request: ValidateFor
    rounds_max: int
    number: int
    """Which of all offers it is; older ones have smaller numbers."""
    # The rounds that it is shown, by name.
    _active: dict[str, Presentation] = attrs.Factory(dict)
    # Invariant: in the order of use.
    _seen: OrderedDict[str, int] = attrs.Factory(OrderedDict)

    @property
    def free(self) -> int:
        """How many rounds it can take."""
        return self.rounds_max - len(self._active)

    def show(self, round_: WireRound) -> None:
        """Show it a round."""
        request = self.request
        shown = round_.show(
            self.peer, request.id, known=self._seen.get(round_.proposal.scope, 0),
            with_past=request.past, with_state=request.state, audience=self,
        )  # fmt: skip
        self._active[shown.name] = shown

    def has_seen(self, scope: str, sequence: int) -> None:
        """Remember what it was shown of a scope's past."""
        self._seen[scope] = sequence
        self._seen.move_to_end(scope)
        if len(self._seen) > SCOPES_REMEMBERED:
            self._seen.popitem(last=False)

    def decide(self, message: Decide) -> say.Error | None:
        """Take a decision; gives why it does not count, if so."""
        shown = self._active.get(message.round)
        if shown is None:
            return stale(message, "that round is over")
        return shown.round.decide(message, self.peer.principal.name)

    def need(self, message: Need) -> say.Error | None:
        """Show a round again, with the past behind a sequence."""
        shown = self._active.get(message.round)
        if shown is None or not shown.round.is_open:
            return stale(message, "that round is over")
        shown.with_past = True
        shown.known = max(0, message.known)
        shown.show()
        return None

    def over(self, round_: str, outcome: str) -> None:
        """A round that it was shown has ended."""
        del self._active[round_]
        self.peer.say(say.Over(id=self.request.id, round=round_, outcome=outcome))
        self.validators.serve()

    def give_back(self) -> list[WireRound]:
        """Take the offer back; gives the rounds that were not decided."""
        shown, self._active = self._active, {}
        for name, presentation in shown.items():
            presentation.round.drop()
            self.peer.say(say.Over(id=self.request.id, round=name, outcome="withdrawn"))
        return [one.round for one in shown.values() if one.round.is_open]


@final
@attrs.define(eq=False)
class Validators:
    """All offers to decide, and the rounds that wait for one."""

    rounds_max: int
    _registrations: dict[tuple[int, int], Registration] = attrs.Factory(dict)
    _waiting: deque[WireRound] = attrs.Factory(deque)
    _count: int = 0

    def register(self, peer: Peer, request: ValidateFor) -> None:
        """Take an offer."""
        self._count += 1
        rounds_max = min(request.rounds, self.rounds_max)
        self._registrations[peer.number, request.id] = Registration(
            self, peer, request, rounds_max, self._count
        )
        self.serve()

    def find(self, peer: Peer, id_: int) -> Registration | None:
        """The offer that a connection made by a request, if it stands."""
        return self._registrations.get((peer.number, id_))

    def has_any_for(self, scope: str) -> bool:
        """Whether somebody has offered to decide for a scope."""
        return any(scope.startswith(one.request.prefix) for one in self._registrations.values())

    def assign(self, round_: WireRound) -> None:
        """Show a round to whom it is for, or have it wait until somebody is free."""
        chosen = self.choose(round_.proposal.scope)
        if chosen is None:
            self._waiting.append(round_)
        else:
            chosen.show(round_)

    def choose(self, scope: str) -> Registration | None:
        """The free one with the longest prefix, then with most free rounds, then the oldest."""
        able = [
            one
            for one in self._registrations.values()
            if one.free > 0 and scope.startswith(one.request.prefix)
        ]
        return max(
            able, key=lambda one: (len(one.request.prefix), one.free, -one.number), default=None
        )

    def serve(self) -> None:
        """Show the rounds that wait to whoever is free now."""
        waiting, self._waiting = self._waiting, deque()
        for round_ in waiting:
            if round_.is_open:
                self.assign(round_)

    def unregister(self, peer: Peer, id_: int) -> None:
        """An offer is taken back: its rounds go to others, with new names and their deadlines."""
        registration = self._registrations.pop((peer.number, id_), None)
        if registration is not None:
            for round_ in registration.give_back():
                self.assign(round_)

    def leave(self, peer: Peer) -> None:
        """A connection is gone, and its offers with it."""
        for number, id_ in list(self._registrations):
            if number == peer.number:
                self.unregister(peer, id_)
