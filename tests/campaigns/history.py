"""
What clients of a store did and were told, written down to be checked (`checker`).

Each operation is an object that is filled in as it goes on; or, where processes may be killed,
some lines of JSON: one when it began, one when a round saw a past, one when that was decided,
one when it was told. What is not there did not happen, or nobody lived to say so.

Times are numbers that grow: ticks of the history's own counter, or a monotonic clock that all
processes of a machine share. An event is any JSON value (with lists, not tuples); events that are
equal are the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any, Literal, TypeAlias, final

import attrs

Event: TypeAlias = Any
"""A JSON value; it tells apart what must be told apart."""

Call: TypeAlias = Literal["propose", "query", "outcome", "follow", "read"]
"""`read` is a query of another process, which may be one commit ahead of the disk."""

Answer: TypeAlias = Literal[
    "accepted",
    "rejected",
    "timed out",
    "duplicate",
    "raised",
    "cancelled",
    "withdrawn",
    "busy",
    "conflict",
    "stale",
    "closed",
    "scope failed",
    "failed",
    "gave",
    "error",
]
"""
What an operation was told.

`raised`: the store handed on its validator's exception. `withdrawn`: its proposer took it back.
`failed`: `JournalFailed`, nobody knows. `gave`: records, to one that asked for some. `error`:
anything else; a proposal stored nothing.
"""


@attrs.frozen
class Stored:
    """A record, as it is compared."""

    position: int
    scope: str
    sequence: int
    id: str
    event: Event
    part: tuple[int, int] = (1, 1)

    def __str__(self) -> str:
        part = "" if self.part == (1, 1) else f" ({self.part[0]} of {self.part[1]})"
        return f"{self.position}: {self.scope} {self.sequence} {self.id} {self.event!r}{part}"


@attrs.define(eq=False)
class Operation:
    """
    One call of one client.

    Attributes:
      key: its name, unlike all others'.
      id, event: what was proposed, or what `outcome` asked for.
      entered: it waits in its scope from its beginning on, so that those that began later
        come later.
      after: what a query or a subscription begins behind: a sequence, or a position.
      saw: the events that its round saw, and when.
      decided: the events that its round accepted, none if it rejected, and when.
      records: what it was told that it added, or what it was given.
      gave: to a subscription: each record, and when.
      caught_up: to a subscription: the position that it had caught up with.
    """

    key: str
    call: Call
    began: int
    scope: str | None = None
    id: str | None = None
    event: Event = None
    entered: bool = False
    after: int = 0
    saw: tuple[Event, ...] | None = None
    saw_at: int | None = None
    decided: tuple[Event, ...] | None = None
    decided_at: int | None = None
    told: int | None = None
    answer: Answer | None = None
    records: tuple[Stored, ...] = ()
    gave: list[tuple[int, Stored]] = attrs.Factory(list)
    caught_up: int | None = None

    def __str__(self) -> str:
        parts = [f"{self.key}: {self.call} {self.scope or 'all'}"]
        if self.id is not None:
            parts.append(f"{self.id} {self.event!r}")
        parts.append(f"from {self.began}")
        if self.saw is not None:
            parts.append(f"saw {list(self.saw)} at {self.saw_at}")
        if self.decided is not None:
            parts.append(f"decided {list(self.decided)} at {self.decided_at}")
        parts.append("told nothing" if self.told is None else f"told {self.answer} at {self.told}")
        if self.records:
            parts.append(f"[{'; '.join(map(str, self.records))}]")
        if self.gave:
            parts.append(f"gave positions {[record.position for _, record in self.gave]}")
        return ", ".join(parts)


Fact: TypeAlias = dict[str, Any]
"""A line of a history, as JSON has it."""


@final
@attrs.define(eq=False)
class History:
    """
    All that was done, in the order in which it was written down.

    Attributes:
      now: gives the next time.
      losses: when the power was lost: what another process had read may be gone.
      stores: the history ids that opened stores named, and when.
      heads: positions that a store said were durable, and when.
    """

    now: Callable[[], int] = attrs.Factory(lambda: count(1).__next__)
    operations: dict[str, Operation] = attrs.Factory(dict)
    losses: list[int] = attrs.Factory(list)
    stores: list[tuple[int, str]] = attrs.Factory(list)
    heads: list[tuple[int, int]] = attrs.Factory(list)

    def begin(self, call: Call, scope: str | None = None, **what: Any) -> Operation:
        """Write down that an operation begins; `what` are attributes of `Operation`."""
        key = what.pop("key", None) or f"c{len(self.operations) + 1}"
        if key in self.operations:
            raise ValueError(f"operation {key!r} has begun before: {self.operations[key]}")
        operation = Operation(key, call, self.now(), scope, **what)
        self.operations[key] = operation
        return operation

    def see(self, operation: Operation, past: Iterable[Event]) -> None:
        """Write down what its round sees. That happens once."""
        if operation.saw is not None:
            raise ValueError(f"a second round of {operation}")
        operation.saw, operation.saw_at = tuple(past), self.now()

    def decide(self, operation: Operation, events: Iterable[Event]) -> None:
        """Write down which events its round accepts; none: it rejects."""
        operation.decided, operation.decided_at = tuple(events), self.now()

    def tell(self, operation: Operation, answer: Answer, records: Iterable[Stored] = ()) -> None:
        """Write down what it was told. That happens once."""
        if operation.told is not None:
            raise ValueError(f"told {answer}, and before: {operation}")
        operation.records = tuple(records)
        operation.answer, operation.told = answer, self.now()

    def give(self, operation: Operation, record: Stored) -> None:
        """Write down a record that a subscription gave."""
        operation.gave.append((self.now(), record))

    def lose_power(self) -> None:
        """Write down that what was not durable may be gone."""
        self.losses.append(self.now())

    # --- as lines -----------------------------------------------------------------------

    def hear(self, lines: Iterable[str | bytes]) -> None:
        """
        Take lines that clients wrote; those of one operation in their order.

        Raises:
          ValueError: a line is none, or does not go with those before; the message names it.
        """
        for line in lines:
            try:
                self._hear(json.loads(line))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"expected a fact of a history, found {line!r}: {error}") from None

    def _hear(self, fact: Fact) -> None:
        at: int = fact.pop("at")
        clock, self.now = self.now, lambda: at
        try:
            match fact.pop("fact"):
                case "began":
                    self.begin(**fact)
                case "saw":
                    self.see(self.operations[fact["key"]], fact["past"])
                case "decided":
                    self.decide(self.operations[fact["key"]], fact["events"])
                case "told":
                    records = map(_stored, fact.get("records", ()))
                    self.tell(self.operations[fact["key"]], fact["answer"], records)
                case "gave":
                    self.give(self.operations[fact["key"]], _stored(fact["record"]))
                case "caught up":
                    self.operations[fact["key"]].caught_up = fact["position"]
                case "lost power":
                    self.lose_power()
                case "opened":
                    self.stores.append((at, fact["history"]))
                case "head":
                    self.heads.append((at, fact["position"]))
                case other:
                    raise ValueError(f"there is no fact {other!r}")
        finally:
            self.now = clock

    def lines(self) -> list[str]:
        """Give all of it as lines, by time."""
        facts = [fact for operation in self.operations.values() for fact in facts_of(operation)]
        facts += [{"fact": "lost power", "at": at} for at in self.losses]
        facts += [{"fact": "opened", "at": at, "history": id_} for at, id_ in self.stores]
        facts += [{"fact": "head", "at": at, "position": p} for at, p in self.heads]
        return [json.dumps(fact) for fact in sorted(facts, key=lambda fact: fact["at"])]


def facts_of(operation: Operation) -> Iterator[Fact]:
    """What is known of an operation, as the facts that a client would have written."""
    o, key = operation, operation.key
    asked = {"scope": o.scope, "id": o.id, "event": o.event, "entered": o.entered, "after": o.after}
    given = {name: value for name, value in asked.items() if value not in (None, False, 0)}
    yield {"fact": "began", "at": o.began, "key": key, "call": o.call, **given}
    if o.saw is not None:
        yield {"fact": "saw", "at": o.saw_at, "key": key, "past": o.saw}
    if o.decided is not None:
        yield {"fact": "decided", "at": o.decided_at, "key": key, "events": o.decided}
    for at, record in o.gave:
        yield {"fact": "gave", "at": at, "key": key, "record": attrs.astuple(record)}
    if o.caught_up is not None:
        last = o.gave[-1][0] if o.gave else o.began
        yield {"fact": "caught up", "at": last, "key": key, "position": o.caught_up}
    if o.told is not None:
        records = [attrs.astuple(record) for record in o.records]
        told = {"fact": "told", "at": o.told, "key": key, "answer": o.answer}
        yield {**told, "records": records} if records else told


def _stored(values: list[Any]) -> Stored:
    position, scope, sequence, id_, event, (k, n) = values
    return Stored(position, scope, sequence, id_, event, (k, n))
