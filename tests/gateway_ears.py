"""
What a client hears, held against what the protocol promises; gateway_flows.py makes it talk.

Each message is looked at when it comes: whether its request is open, whether it may come now,
whether what it shows is what the journal has. What can only be said in the end is noted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import attrs

from atomic_store.journal import StoredRecord
from atomic_store.journal.memory import MemoryJournal
from gateway_talk import Talk

WRONG: dict[str, Any] = {"is": "another record than the scope has"}


@attrs.define(eq=False)
class Shown:
    """A round that a client was shown, or is being shown."""

    scope: str
    sequence: int = -1
    """-1 until it was asked."""
    proposal_id: str | None = None
    was_accepted: bool = False
    """Its decider has accepted it before he was asked, going by the past that he was shown."""


@attrs.define(eq=False)
class Asked:
    """A request, as its client sees it."""

    sent: dict[str, Any]
    is_over: bool = False
    held: dict[str, list[dict[str, Any]]] = attrs.Factory(lambda: defaultdict(list))
    """By scope, the past that it holds."""
    rounds: dict[str, Shown] = attrs.Factory(dict)
    """Those that are open, as far as it knows."""
    needed: dict[str, int] = attrs.Factory(dict)
    """By round, from where it has asked for the past."""
    names: set[str] = attrs.Factory(set)
    """All rounds that it was ever shown."""
    positions: list[int] = attrs.Factory(list)
    caught_up: int = -1
    scopes: dict[str, dict[str, Any]] = attrs.Factory(dict)

    @property
    def type(self) -> str:
        kind: str = self.sent["type"]
        return kind

    @property
    def is_endless(self) -> bool:
        return (
            self.type in ("subscribe", "validate_for")
            or self.sent.get("watch", False)
            or self.sent.get("every_s") is not None
        )


@attrs.define(eq=False)
class Ledger:
    """What all clients were told, to be compared with the journal in the end."""

    journal: MemoryJournal
    told: dict[tuple[str, str], list[dict[str, Any]]] = attrs.Factory(dict)
    """By scope and id, the records that somebody was told of."""
    first_told: Counter[tuple[str, str]] = attrs.Factory(Counter)
    """How often somebody was told that he was the one who stored it."""
    accepted_on: dict[tuple[str, str], set[int]] = attrs.Factory(lambda: defaultdict(set))
    """The sequences upon which deciders accepted a proposal."""
    sent: Counter[str | None] = attrs.Factory(Counter)
    """How often each proposal was sent."""
    counts: Counter[str] = attrs.Factory(Counter)

    def durable(self, scope: str) -> list[StoredRecord]:
        return self.journal._by_scope.get(scope, [])

    def check(self) -> None:
        """Compare what was told with what is there."""
        for key, records in self.told.items():
            stored = self.journal._by_id[key]
            assert [one.position for one in stored] == [one["position"] for one in records]
        assert all(count == 1 for count in self.first_told.values())
        decisions = [(one.scope, one.id) for one in self.journal._records if not _follows(one)]
        assert len(set(decisions)) == len(decisions), "a proposal was admitted twice"
        for key, sequences in self.accepted_on.items():
            decided = self.journal._by_id.get(key)
            if decided and b'"$decided_by":"gateway"' not in (decided[0].metadata or b""):
                assert decided[0].sequence - 1 in sequences, "decided upon another past"


def _follows(record: StoredRecord) -> bool:
    return record.part is not None and record.part[0] > 1


@attrs.define(eq=False)
class Ear:
    """One client: what it has asked, and what it has heard."""

    talk: Talk
    ledger: Ledger
    name: str
    asked: dict[int, Asked] = attrs.Factory(dict)
    said_goodbye: bool = False
    _at: int = 0
    # By scope, the last of its proposals that was considered; those sent again keep old places.
    _considered: dict[str, int] = attrs.Factory(dict)

    @property
    def is_gone(self) -> bool:
        return self.talk.is_over.is_set() or self.talk.gate.is_broken

    def open(self, *types: str) -> list[Asked]:
        """The requests that have not ended, of some types."""
        return [
            one
            for one in self.asked.values()
            if not one.is_over and (one.type in types or not types)
        ]

    def listen(self) -> None:
        """Look at whatever has come."""
        heard = self.talk.gate.heard
        while self._at < len(heard):
            message = heard[self._at]
            self._at += 1
            self.ledger.counts[message["type"]] += 1
            assert not self.said_goodbye, message
            self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        kind, id_ = message["type"], message.get("id")
        if id_ is None:
            assert kind in ("welcome", "pong", "ping", "goodbye"), message
            self.said_goodbye = kind == "goodbye"
            return
        asked = self.asked[id_]
        if kind == "error" and message.get("final") is False:
            self.ledger.counts[f"refused {message['code']}"] += 1
            return
        assert not asked.is_over, f"{message} behind the end of {asked.sent}"
        getattr(self, f"_take_{kind}")(asked, message)

    # --- ends -----------------------------------------------------------------------------

    def _take_error(self, asked: Asked, message: dict[str, Any]) -> None:
        self.ledger.counts[message["code"]] += 1
        may_fail = asked.type == "propose" and asked.sent["event"]["data"]["cents"] % 7 == 0
        assert message["code"] != "internal" or may_fail, message
        assert message["code"] not in ("bad_message", "unknown_type"), message
        self._end(asked)

    def _take_done(self, asked: Asked, message: dict[str, Any]) -> None:
        assert asked.type != "propose"
        if asked.type == "query" and message["next"] is None:
            assert asked.positions == self._wanted(asked)[: len(asked.positions)]
        self._end(asked)

    def _end(self, asked: Asked) -> None:
        asked.is_over = True
        if asked.type == "validate_for":
            assert {} == asked.rounds, "a round was shown, and is not over"

    def _take_result(self, asked: Asked, message: dict[str, Any]) -> None:
        assert asked.type == "propose"
        self._end(asked)
        self.ledger.counts[message["outcome"]] += 1
        assert message["accepted"] == (message["outcome"] == "accepted")
        if not message["accepted"]:
            return
        records = message["records"]
        key = records[0]["scope"], records[0]["id"]
        assert records == self.ledger.told.setdefault(key, records)
        assert self.name == records[0]["metadata"]["$by"]
        assert asked.sent.get("proposal_id") in (None, key[1])
        if message.get("duplicate"):
            self.ledger.counts["duplicate"] += 1
        else:
            self.ledger.first_told[key] += 1

    # --- rounds -----------------------------------------------------------------------------

    def _take_waiting(self, asked: Asked, message: dict[str, Any]) -> None:
        assert message["ahead"] > 0

    def _take_past(self, asked: Asked, message: dict[str, Any]) -> None:
        records, after = message["records"], message["after"]
        scope, name = records[0]["scope"], message.get("round")
        assert (name is not None) == (asked.type == "validate_for")
        if name is not None:
            assert name in asked.rounds or name not in asked.names, "shown behind its end"
            asked.rounds.setdefault(name, Shown(scope))
            asked.names.add(name)
        held = asked.held[scope]
        assert after <= len(held)
        assert asked.sent.get("past", True) or asked.needed
        assert [*range(after + 1, message["through"] + 1)] == [one["sequence"] for one in records]
        held[after:] = records
        self._check_records(records)

    def _take_validate(self, asked: Asked, message: dict[str, Any]) -> None:
        whose, name = message.get("for"), message["round"]
        assert (whose is not None) == (asked.type == "validate_for")
        scope = asked.sent["scope"] if whose is None else whose["scope"]
        if whose is None:
            asked.rounds.clear()
            if self.ledger.sent[asked.sent.get("proposal_id")] <= 1:
                assert self._considered.get(scope, 0) <= asked.sent["id"], "not in the order sent"
                self._considered[scope] = asked.sent["id"]
        else:
            assert scope.startswith(asked.sent["prefix"])
            assert name in asked.rounds or name not in asked.names
        shown = asked.rounds.setdefault(name, Shown(scope))
        asked.names.add(name)
        assert len(asked.rounds) <= asked.sent.get("rounds", 1)
        shown.sequence = message["sequence"]
        shown.proposal_id = None if whose is None else whose["proposal_id"]
        if shown.was_accepted:
            id_ = shown.proposal_id or asked.sent.get("proposal_id")
            if id_ is not None:
                self.ledger.accepted_on[scope, id_].add(shown.sequence)
        assert len(self.ledger.durable(scope)) >= shown.sequence, "asked before it was durable"
        if asked.sent.get("past", True):
            assert len(asked.held[scope]) == shown.sequence, "not all of the past was shown"
            assert WRONG not in asked.held[scope]

    def _take_over(self, asked: Asked, message: dict[str, Any]) -> None:
        del asked.rounds[message["round"]]

    # --- reading ----------------------------------------------------------------------------

    def _take_records(self, asked: Asked, message: dict[str, Any]) -> None:
        self._check_records(message["records"])
        asked.positions += [one["position"] for one in message["records"]]
        assert asked.positions == self._wanted(asked)[: len(asked.positions)]

    def _take_caught_up(self, asked: Asked, message: dict[str, Any]) -> None:
        position = message["position"]
        assert asked.caught_up <= position
        asked.caught_up = position
        assert [n for n in self._wanted(asked) if n <= position] == asked.positions

    def _take_reset(self, asked: Asked, message: dict[str, Any]) -> None:
        assert asked.sent["type"] == "subscribe"

    def _take_scopes(self, asked: Asked, message: dict[str, Any]) -> None:
        for one in message["scopes"]:
            assert one["scope"].startswith(asked.sent.get("prefix", ""))
            asked.scopes[one["scope"]] = one

    def _take_stats(self, asked: Asked, message: dict[str, Any]) -> None:
        assert message["figures"]["position"] <= self.ledger.journal.head.position

    def _check_records(self, records: list[dict[str, Any]]) -> None:
        assert records
        for one in records:
            stored = self.ledger.journal._records[one["position"] - 1]
            assert (one["scope"], one["sequence"], one["id"], one["at"]) == (
                stored.scope, stored.sequence, stored.id, stored.at,
            )  # fmt: skip

    def _wanted(self, asked: Asked) -> list[int]:
        """The positions that a query or subscription is to be given, as far as there are any."""
        sent = asked.sent
        return [
            one.position
            for one in self.ledger.journal._records[sent["after"] :]
            if sent.get("scope") in (None, one.scope)
            and one.scope.startswith(sent.get("prefix", ""))
        ]

    def check_is_complete(self) -> None:
        """Whoever follows has been given everything, and knows how all scopes are."""
        for asked in self.open("subscribe"):
            assert asked.positions == self._wanted(asked)
        for asked in self.open("scopes"):
            for scope, records in self.ledger.journal._by_scope.items():
                if scope.startswith(asked.sent.get("prefix", "")):
                    assert len(records) == asked.scopes[scope]["sequence"]
