"""The checker of histories: every rule refuses a history that breaks it, and no sound one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from campaigns.case import Case, Violation
from campaigns.checker import OF_THE_JOURNAL, RULES, Rule, check
from campaigns.history import History, Operation, Stored

JOURNAL = (
    Stored(1, "a", 1, "p1", "x"),
    Stored(2, "b", 1, "p2", "y"),
    Stored(3, "a", 2, "p3", "half", (1, 2)),
    Stored(4, "a", 3, "p3", "half", (2, 2)),
)


@attrs.define
class Told:
    """A history that agrees with `JOURNAL`, and what tests change of it."""

    history: History
    first: Operation
    rejected: Operation
    split: Operation
    other: Operation
    duplicate: Operation
    conflict: Operation
    query: Operation
    outcome: Operation
    feed: Operation
    reader: Operation
    records: tuple[Stored, ...] = JOURNAL
    store: str = "h1"

    def check(self) -> list[Violation]:
        return check(self.history, self.records, self.store)


def sound() -> Told:
    """Proposals of all kinds, and readers beside them."""
    history = History()
    history.stores.append((history.now(), "h1"))
    feed = history.begin("follow")
    feed.caught_up = 0
    first = history.begin("propose", "a", id="p1", event="x", entered=True)
    other = history.begin("propose", "b", id="p2", event="y")
    history.see(first, [])
    history.decide(first, ["x"])
    rejected = history.begin("propose", "a", id="p4", event="z", entered=True)
    history.see(rejected, ["x"])
    history.decide(rejected, [])
    history.tell(first, "accepted", JOURNAL[:1])
    history.give(feed, JOURNAL[0])
    history.tell(rejected, "rejected")
    split = history.begin("propose", "a", id="p3", event="w", entered=True)
    reader = history.begin("read", "a")
    history.tell(reader, "gave", JOURNAL[:1])
    history.see(split, ["x"])
    history.decide(split, ["half", "half"])
    history.tell(split, "accepted", JOURNAL[2:])
    for record in JOURNAL[1:]:
        history.give(feed, record)
    query = history.begin("query", "a", after=1)
    history.tell(query, "gave", JOURNAL[2:])
    outcome = history.begin("outcome", "a", id="p3")
    history.tell(outcome, "gave", JOURNAL[2:])
    duplicate = history.begin("propose", "a", id="p3", event="w")
    history.tell(duplicate, "duplicate", JOURNAL[2:])
    conflict = history.begin("propose", "a", id="p1", event="another")
    history.tell(conflict, "conflict")
    history.heads.append((history.now(), 4))
    return Told(
        history, first, rejected, split, other, duplicate, conflict, query, outcome, feed, reader
    )


def test_a_sound_history() -> None:
    """A history of all that can happen agrees with its journal, also as lines of JSON."""
    told = sound()
    heard = History()
    heard.hear(told.history.lines())

    assert [] == told.check()
    assert [] == check(heard, JOURNAL, "h1")
    assert told.history.lines() == heard.lines()


# --- one history for each rule, that it refuses ------------------------------------------------

Break = Callable[[Told], object]


def record(told: Told, index: int, **changes: Any) -> None:
    records = list(told.records)
    records[index] = attrs.evolve(records[index], **changes)
    told.records = tuple(records)


def without(told: Told, index: int) -> None:
    """Take a record out of the journal, and close the gap."""
    left, sequences = [], dict[str, int]()
    for position, r in enumerate((*told.records[:index], *told.records[index + 1 :]), 1):
        sequences[r.scope] = sequences.get(r.scope, 0) + 1
        left.append(attrs.evolve(r, position=position, sequence=sequences[r.scope]))
    told.records = tuple(left)


def one_more(told: Told, id_: str, event: str = "late") -> None:
    told.records = (*told.records, Stored(5, "a", 4, id_, event))


def one_more_twice_told(told: Told) -> None:
    again = told.history.begin("propose", "a", id="p1", event="x")
    told.history.tell(again, "accepted", JOURNAL[:1])


def late_past(told: Told) -> None:
    """A round that began after the others were told, and saw less."""
    late = told.history.begin("propose", "a", id="p9", event="v")
    told.history.see(late, ["x"])
    told.history.tell(late, "rejected")


def untold_late_past(told: Told) -> None:
    late = told.history.begin("propose", "a", id="p9", event="v")
    told.history.see(late, ["x"])
    told.history.tell(late, "failed")


def told_before_proposed(told: Told) -> None:
    """Somebody was given a record before anybody proposed it."""
    told.feed.gave[1] = (told.other.began - 1, told.feed.gave[1][1])


def stale_query(told: Told) -> None:
    query = told.history.begin("query", "a")
    told.history.tell(query, "gave", JOURNAL[:1])


def overlap(told: Told) -> None:
    told.first.decided_at = (told.rejected.saw_at or 0) + 1


def out_of_turn(told: Told) -> None:
    told.first.began, told.rejected.began = told.rejected.began, told.first.began


def never_caught_up(told: Told) -> None:
    feed = told.history.begin("follow")
    feed.caught_up = 2


def lost_and_read(told: Told) -> None:
    """A reader that saw other durable records than those that are there, before a loss."""
    reader = told.history.begin("read", "a")
    told.history.tell(reader, "gave", (JOURNAL[0], attrs.evolve(JOURNAL[2], event="lost")))
    told.history.lose_power()


def outcome_of_nothing(told: Told) -> None:
    outcome = told.history.begin("outcome", "a", id="p1")
    told.history.tell(outcome, "gave")


def changed(name: str, **changes: object) -> Break:
    def change(told: Told) -> None:
        for attribute, value in changes.items():
            setattr(getattr(told, name), attribute, value)

    return change


BREAKS: list[tuple[str, str, Break]] = [
    ("places", "a gap", lambda told: record(told, 3, position=5)),
    ("places", "a gap in a scope", lambda told: record(told, 3, sequence=4)),
    ("whole decisions", "half of one", lambda told: setattr(told, "records", JOURNAL[:3])),
    ("whole decisions", "admitted twice", lambda told: one_more(told, "p1")),
    ("acknowledged", "lost", lambda told: without(told, 0)),
    ("acknowledged", "changed", lambda told: record(told, 0, event="changed")),
    ("acknowledged", "decided twice", one_more_twice_told),
    ("proposed", "by nobody", lambda told: one_more(told, "p9")),
    ("proposed", "not what was accepted", changed("split", decided=("half", "whole"))),
    ("nothing stored", "rejected", lambda told: one_more(told, "p4")),
    ("nothing stored", "cancelled", changed("split", answer="cancelled")),
    ("duplicates", "of nothing", changed("duplicate", id="p8")),
    ("duplicates", "of another event", changed("duplicate", event="another")),
    ("duplicates", "other records", changed("duplicate", records=JOURNAL[:1])),
    ("duplicates", "conflict with itself", changed("conflict", event="x")),
    ("whole past", "of a rejection", changed("rejected", saw=("lost",))),
    ("whole past", "longer than the journal", changed("rejected", saw=("x", "half", "half", "v"))),
    ("whole past", "not all", changed("split", saw=())),
    ("whole past", "of an untold one", changed("split", saw=(), answer=None, told=None)),
    ("whole past", "of one that failed", untold_late_past),
    ("one at a time", "two rounds", overlap),
    ("in turn", "the later one first", out_of_turn),
    ("real time", "a round", late_past),
    ("real time", "a query", stale_query),
    ("real time", "a subscription", told_before_proposed),
    ("queries", "a gap", changed("query", records=JOURNAL[3:])),
    ("outcomes", "another one", changed("outcome", records=JOURNAL[:1])),
    ("outcomes", "forgotten", outcome_of_nothing),
    ("subscriptions", "a gap", lambda told: told.feed.gave.pop(1)),
    ("subscriptions", "doubled", lambda told: told.feed.gave.insert(1, told.feed.gave[0])),
    ("subscriptions", "not caught up", never_caught_up),
    ("readers", "a gap", changed("reader", records=JOURNAL[2:3])),
    ("readers", "something else", changed("reader", records=(attrs.evolve(JOURNAL[0], id="p"),))),
    ("readers", "too little", changed("reader", records=())),
    ("readers", "something else before a loss", lost_and_read),
    ("heads", "records are missing", lambda told: told.history.heads.append((99, 5))),
    ("heads", "another store", lambda told: told.history.stores.append((99, "h2"))),
]


@pytest.mark.parametrize(
    ("rule", "break_"), [(rule, break_) for rule, _, break_ in BREAKS],
    ids=[f"{rule}: {what}" for rule, what, _ in BREAKS],
)  # fmt: skip
def test_a_broken_history(rule: str, break_: Break) -> None:
    """A history that breaks a rule is refused by it, in words that name who was there."""
    told = sound()
    break_(told)
    found = {violation.rule: str(violation) for violation in told.check()}

    assert rule in found
    assert found[rule].startswith(f"{rule}: ")
    assert rule == "heads" or "\n  operation " in found[rule] or "\n  record " in found[rule]


@pytest.mark.parametrize("rule", [*OF_THE_JOURNAL, *RULES], ids=lambda rule: rule.__name__)
def test_every_rule_refuses_something(rule: Rule) -> None:
    """No rule is idle: each refuses one of the broken histories above by itself."""
    refused = []
    for _, what, break_ in BREAKS:
        told = sound()
        break_(told)
        case = Case(told.history, told.records, told.store)
        is_ordered = not any(True for look in OF_THE_JOURNAL for _ in look(case))
        if (rule in OF_THE_JOURNAL or is_ordered) and any(True for _ in rule(case)):
            refused.append(what)

    assert refused


def test_what_a_reader_saw_may_be_lost() -> None:
    """A reader outside may have seen what nobody was told of, and what a power loss took."""
    told = sound()
    reader = told.history.begin("read", "b")
    told.history.tell(reader, "gave", (JOURNAL[1], Stored(5, "b", 2, "p7", "gone")))

    assert ["readers"] == [violation.rule for violation in told.check()]
    told.history.lose_power()
    assert [] == told.check()


def test_the_unanswered_may_be_stored_or_not() -> None:
    """What was proposed and never answered, or failed, is there or not: both are right."""
    told = sound()
    for id_ in ("p5", "p6", "p7"):
        late = told.history.begin("propose", "a", id=id_, event="late")
        if id_ != "p5":
            told.history.tell(late, "failed")
    assert [] == told.check()

    one_more(told, "p5")
    assert [] == told.check()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        '{"fact": "told", "at": 3, "key": "c1", "answer": "accepted"}',
        '{"fact": "slept", "at": 3}',
        '{"fact": "began", "at": 3, "key": "c0", "call": "propose", "scop": "a"}',
    ],
)
def test_lines_that_are_none(line: str) -> None:
    """A line that is no fact, or does not fit those before, is refused with its text."""
    history = History()
    with pytest.raises(ValueError, match="expected a fact of a history, found") as refused:
        history.hear([line])

    assert repr(line) in str(refused.value)


def test_nothing_happens_twice() -> None:
    """An operation has one name, one round and one answer."""
    told = sound()
    with pytest.raises(ValueError, match="begun before"):
        told.history.begin("query", key=told.first.key)
    with pytest.raises(ValueError, match="second round"):
        told.history.see(told.first, [])
    with pytest.raises(ValueError, match="told rejected, and before"):
        told.history.tell(told.first, "rejected")
