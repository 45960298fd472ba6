"""
Random flows: what clients say to a gateway, and whether all that they hear is right.

Several clients propose, decide, offer to decide, follow, ask, take back and hang up; some take
nothing for a while; the journal holds commits back; rights change; time passes; an operator ends
rounds. In the end all is settled, or the gateway shuts down, or the journal fails. It all runs
without sockets or threads, under a clock that only moves when it is told to and a seed that fixes
the order of tasks: the same seed always does the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from contextlib import suppress
from itertools import count
from random import Random
from typing import Any

import attrs
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import Decision, JsonEvent, ValidationRequest
from atomic_store.errors import AtomicStoreError, JournalFailed
from atomic_store.gateway import Limits, Principal, Right
from atomic_store.gateway.protocol import server_messages as say
from gateway_ears import WRONG, Asked, Ear, Ledger
from gateway_talk import ALL_RIGHTS, House, an_id, bid, house, left_over
from schedules import seeded
from slow_journals import Lagging

SCOPES = ("lot/1", "lot/1", "lot/2", "other/1")
NAMES = ("ada", "ben", "eve")
FEW_RIGHTS = {Right.READ: ("lot/",), Right.PROPOSE: ("",), Right.DECIDE: ("lot/1",)}
LIMITS = Limits(
    page_records=2, outbox_bytes=700, open_requests=9, rounds=3, heartbeat_s=8, slow_s=30,
    shutdown_s=5, message_bytes=100_000,
)  # fmt: skip
STEPS = 70


@attrs.define(eq=False)
class Flow:
    """One flow."""

    here: House
    random: Random
    clock: MockClock
    ledger: Ledger
    tasks: trio.Nursery
    ears: list[Ear] = attrs.Factory(list)
    past_ears: list[Ear] = attrs.Factory(list)
    """Those of connections that have ended."""
    ids: dict[str, tuple[str, str, int]] = attrs.Factory(dict)
    """By proposal id: whose it is, its scope, and its event."""
    is_paused: bool = False
    _cents: Any = attrs.Factory(lambda: count(1))

    async def run(self) -> None:
        """Do this and that, and look at what is heard."""
        for _ in range(self.random.choice((0, 0, 10, 30))):
            await self.admit()
        await wait_all_tasks_blocked()
        for _ in range(STEPS):
            await self.chosen()()
            if self.random.random() < 0.7:
                await wait_all_tasks_blocked()
            else:
                # In the middle of it.
                for _ in range(self.random.randrange(4)):
                    await trio.lowlevel.checkpoint()
            self.listen()

    def listen(self) -> None:
        for ear in [*self.ears, *self.past_ears]:
            ear.listen()
        self.past_ears += [ear for ear in self.ears if ear.is_gone]
        self.ears = [ear for ear in self.ears if not ear.is_gone]

    def chosen(self) -> Callable[[], Coroutine[Any, Any, None]]:
        if not self.ears:
            return self.connect
        ways: dict[Callable[[], Coroutine[Any, Any, None]], int] = {
            self.propose: 12, self.decide: 18, self.withdraw: 3, self.need: 3, self.offer: 3,
            self.subscribe: 3, self.ask: 3, self.unsubscribe: 2, self.connect: 2, self.hang_up: 2,
            self.hold_up: 4, self.pass_time: 4, self.pause: 3, self.end_round: 1,
            self.change_rights: 1, self.admit: 2, self.burst: 3,
        }  # fmt: skip
        (way,) = self.random.choices([*ways], [*ways.values()])
        return way

    # --- coming and going ----------------------------------------------------------------

    async def connect(self) -> None:
        if len(self.ears) < 5:
            name = self.random.choice(NAMES)
            talk = await self.here.connect(name)
            self.ears.append(Ear(talk, self.ledger, name))
            if self.random.random() < 0.4:
                await self.offer()

    async def hang_up(self) -> None:
        await self.ear().talk.outbox.aclose()

    async def hold_up(self) -> None:
        gate = self.ear().talk.gate
        gate.empty() if gate.is_full else gate.fill()

    async def pass_time(self) -> None:
        self.clock.jump(self.random.choice((0.05, 0.11, 1.0, 3.0, 5.1)))
        await wait_all_tasks_blocked()
        for ear in self.ears:
            # As if it had answered a ping.
            ear.talk.gate.last_received = trio.current_time()

    async def pause(self) -> None:
        self.is_paused = not self.is_paused
        self.here.journal.pause() if self.is_paused else self.here.journal.resume()

    async def change_rights(self) -> None:
        ear = self.ear()
        rights = self.random.choice((FEW_RIGHTS, ALL_RIGHTS, ALL_RIGHTS))
        ear.talk.connection.rights_changed(Principal(ear.name, rights))

    async def admit(self) -> None:
        """The application itself admits something."""
        self.tasks.start_soon(_admit, self.here, self.random.choice(SCOPES), next(self._cents))

    def ear(self) -> Ear:
        return self.random.choice(self.ears)

    # --- saying something ------------------------------------------------------------------

    def say(self, ear: Ear, **message: Any) -> None:
        if not ear.is_gone:
            ear.talk.gate.last_received = trio.current_time()
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                ear.talk.outbox.send_nowait(json.dumps(message))

    def request(self, ear: Ear, **message: Any) -> Asked:
        id_ = next(ear.talk._ids)
        asked = ear.asked[id_] = Asked({"id": id_, **message})
        self.say(ear, **asked.sent)
        return asked

    async def burst(self) -> None:
        for _ in range(self.random.randrange(2, 6)):
            if self.ears:
                await self.random.choice((self.propose, self.decide, self.withdraw, self.ask))()

    async def propose(self) -> None:
        ear, random = self.ear(), self.random
        given: dict[str, Any] = {}
        scope, cents = random.choice(SCOPES), next(self._cents)
        if random.random() < 0.7:
            mine = [id_ for id_, (name, _, _) in self.ids.items() if name == ear.name]
            if mine and random.random() < 0.5:
                given["proposal_id"] = id_ = random.choice(mine)
                _, scope, cents = self.ids[id_]
            else:
                given["proposal_id"] = id_ = an_id(cents)
                self.ids[id_] = ear.name, scope, cents
            self.ledger.sent[given["proposal_id"]] += 1
        if random.random() < 0.6:
            given["decide"] = "self"
        if random.random() < 0.3:
            given["past"] = False
        if random.random() < 0.2:
            given["validation_timeout_s"] = random.choice((0.1, 1.0))
        held = self.ledger.durable(scope)
        known = random.choice((0, 0, len(held) // 2, len(held)))
        if known:
            given |= {"known": known, "known_id": held[known - 1].id}
            if random.random() < 0.2:
                given["known_id"] = an_id(999_999)
        asked = self.request(ear, type="propose", scope=scope, event=bid(cents), **given)
        is_right = not known or given["known_id"] == held[known - 1].id
        asked.held[scope] = [{} if is_right else WRONG] * known

    async def decide(self) -> None:
        ear, random = self.ear(), self.random
        rounds = [
            (asked, name, shown)
            for asked in ear.open("propose", "validate_for")
            for name, shown in asked.rounds.items()
        ]
        if not rounds:
            return
        asked, name, shown = random.choice(rounds)
        if random.random() < 0.1:
            name = random.choice((name + "0", "r-1", name.split(".")[0]))
        answer: dict[str, Any] = random.choice(
            (
                {"accept": True}, {"accept": True}, {"accept": True, "meta": [1]},
                {"accept": False, "reason": "no"}, {"events": [bid(0), bid(1)]},
                {"events": []}, {"events": [{"type": "", "data": 1}]}, {},
            )
        )  # fmt: skip
        if "events" in answer or answer.get("accept"):
            id_ = shown.proposal_id or asked.sent.get("proposal_id")
            shown.was_accepted = shown.sequence < 0
            if id_ is not None:
                self.ledger.accepted_on[shown.scope, id_].add(shown.sequence)
        self.say(ear, type="decide", id=asked.sent["id"], round=name, **answer)

    async def need(self) -> None:
        ear = self.ear()
        for asked in ear.open("propose", "validate_for"):
            for name, shown in asked.rounds.items():
                known = self.random.randrange(max(1, shown.sequence + 1))
                asked.needed[name] = known
                asked.held[shown.scope] = [{}] * max(known, len(asked.held[shown.scope]))
                self.say(ear, type="need", id=asked.sent["id"], round=name, known=known)

    async def withdraw(self) -> None:
        ear = self.ear()
        for asked in ear.open("propose")[:1]:
            self.say(ear, type="withdraw", id=asked.sent["id"])

    async def offer(self) -> None:
        self.request(
            self.ear(), type="validate_for", prefix=self.random.choice(("", "lot/", "lot/1")),
            rounds=self.random.choice((1, 2)), past=self.random.random() < 0.7,
        )  # fmt: skip

    async def subscribe(self) -> None:
        after = self.random.randrange(self.ledger.journal.head.position + 1)
        which = self.random.choice(({"all": True}, {"scope": "lot/1"}, {"prefix": "lot/"}))
        self.request(self.ear(), type="subscribe", after=after, **which)

    async def ask(self) -> None:
        asked: dict[str, Any] = self.random.choice(
            (
                {"type": "query", "all": True, "after": 0},
                {"type": "query", "scope": "lot/1", "after": 1, "limit": 1},
                {"type": "scopes", "watch": True}, {"type": "scopes", "prefix": "lot/"},
                {"type": "stats"}, {"type": "stats", "every_s": 0.5},
            )
        )  # fmt: skip
        self.request(self.ear(), **asked)

    async def unsubscribe(self) -> None:
        ear = self.ear()
        endless = [asked for asked in ear.open() if asked.is_endless]
        if endless:
            self.say(ear, type="unsubscribe", id=self.random.choice(endless).sent["id"])

    async def end_round(self) -> None:
        for scope, live in self.here.store._supervisor.scopes.items():
            if live.admission.round is not None:
                name = f"r-{live.admission.round.token.number}"
                self.request(self.ear(), type="end_round", scope=scope, round=name)
                return

    # --- the end ----------------------------------------------------------------------------

    async def settle(self) -> None:
        """Let everything come to an end by itself, and look whether it has."""
        await self.let_go()
        for _ in range(50):
            # One deadline after the other, also of what others decide whose proposers are gone.
            if not any(ear.open("propose") for ear in self.ears):
                break
            self.clock.jump(5.1)
            await self.quiet()
        assert [] == [asked.sent for ear in self.ears for asked in ear.open("propose")]
        for _ in range(2):
            self.clock.jump(0.11)
            await self.quiet()
        for ear in self.ears:
            ear.check_is_complete()
        for ear in self.ears:
            for asked in ear.open():
                self.say(ear, type="unsubscribe", id=asked.sent["id"])
        await self.quiet()
        assert [] == [asked.sent for ear in self.ears for asked in ear.open()]
        for ear in self.ears:
            await ear.talk.outbox.aclose()
        await self.quiet()

    async def fail(self) -> None:
        """Let the journal fail in the middle of it: each request is answered all the same."""
        # Whatever a gateway does then, it does although the store's block is cancelled.
        with trio.CancelScope(shield=True):
            self.here.journal.fail()
            await self.shut_down("store_failed")
            await self.check_nothing_is_left()
            self.ledger.check()

    async def shut_down(self, reason: str) -> None:
        """Say goodbye to everybody in the middle of it: each request is answered."""
        is_over = False

        async def stop() -> None:
            nonlocal is_over
            await self.here.gateway._entrance.stop_all(say.Goodbye(reason=reason))
            is_over = True

        async with trio.open_nursery() as nursery:
            nursery.start_soon(stop)
            await self.let_go()
            for _ in range(8):
                self.clock.jump(1)
                await self.quiet()
            assert is_over
        for ear in self.past_ears:
            if not ear.talk.gate.is_broken and ear.talk.socket.closed == (1001, reason):
                assert ear.said_goodbye
                # What lay in the socket was not read.
                read = ear.talk.connection.session._last_id
                assert [] == [one.sent for one in ear.open() if one.sent["id"] <= read]
        self.here.gateway._services.proposals.close()
        await self.quiet()

    async def let_go(self) -> None:
        self.here.journal.resume()
        for ear in self.ears:
            ear.talk.gate.empty()
        await self.quiet()

    async def quiet(self) -> None:
        """Wait until nothing happens any more."""
        for _ in range(6):
            await wait_all_tasks_blocked()
        self.listen()
        for ear in self.ears:
            ear.talk.gate.last_received = trio.current_time()

    async def check_nothing_is_left(self) -> None:
        """The gateway keeps nothing of conversations that are over."""
        for _ in range(8):
            # What others decide goes on without its proposer, one deadline after the other.
            self.clock.jump(5.1)
            await self.quiet()
        assert {} == left_over(self.here)
        for ear in self.past_ears:
            peer = ear.talk.connection._peer
            assert peer is not None
            assert {} == peer.entering
            assert 0 == peer.outbox.size


async def _admit(here: House, scope: str, cents: int) -> None:
    with suppress(AtomicStoreError):
        await here.store.store_if_valid(
            JsonEvent("Bid", {"cents": cents}), lambda request: request.accept(), scope=scope
        )


def odd(request: ValidationRequest[Any]) -> Decision:
    """Accept every other one."""
    cents = request.prospective_event.data["cents"]
    if cents % 7 == 0:
        raise LookupError("a validator's fault")
    return request.accept() if cents % 2 else request.reject("even")


async def odd_slowly(request: ValidationRequest[Any]) -> Decision:
    """The same, taking its time; sometimes for ever."""
    await trio.sleep((0.0, 0.3, 2.0, 100.0)[request.prospective_event.data["cents"] % 4])
    return odd(request)


async def _flow(seed: int, clock: MockClock, told: Ledger) -> None:
    random = Random(seed)
    validate = random.choice((None, None, None, odd, odd_slowly))
    async with (
        house(validate=validate, limits=LIMITS, max_waiting=5, idle_after=4.0) as here,
        trio.open_nursery() as tasks,
    ):
        told.journal = here.journal
        lagging: Any = Lagging(here.journal, random)
        here.store._parts.journal = lagging
        flow = Flow(here, random, clock, told, tasks)
        await flow.run()
        ending = random.random()
        if ending < 0.6:
            await flow.settle()
        elif ending < 0.8:
            await flow.shut_down("shutdown")
        else:
            await flow.fail()
        await flow.check_nothing_is_left()
        told.check()
        tasks.cancel_scope.cancel()


def run(seed: int) -> Ledger:
    """Run a flow; gives what was told in it."""
    told = Ledger(None)  # type: ignore[arg-type]  # there is a journal only inside
    clock = MockClock()
    with seeded(seed):
        try:
            trio.run(_flow, seed, clock, told, clock=clock)
        except JournalFailed:
            told.counts["journal failed"] += 1
    return told
