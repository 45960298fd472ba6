"""Then: the checks of what became of a proposal, and what they say."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from atomic_store import Decision, EventType, JsonEvent, ValidationRequest
from atomic_store.testing import Then, scenario
from bids import HIGHEST, Bid, accept, higher, lot_of
from trials import never

ADA = Bid("lot-1", "ada", 500)
BEN = Bid("lot-1", "ben", 600)

AUCTION = scenario(events=Bid, scope_of=lot_of, validation_timeout=0.001)

ACCEPTED = AUCTION.given(ADA).when(BEN, accept)
REJECTED = AUCTION.given(ADA).when(ADA, higher)
SILENT = AUCTION.when(ADA, lambda request: request.reject())
TIMED_OUT = AUCTION.when(ADA, never)


def both(request: ValidationRequest[Bid]) -> Decision:
    """Accept two events."""
    return request.accept(ADA, BEN)


def test_a_check_that_holds_gives_its_object() -> None:
    """Checks can be written one behind the other."""
    assert ACCEPTED is ACCEPTED.then_accepted().then_accepted(BEN)
    assert REJECTED is REJECTED.then_rejected().then_rejected("not above 500")
    assert SILENT is SILENT.then_rejected()
    assert TIMED_OUT is TIMED_OUT.then_timed_out()


def test_a_story_can_go_on() -> None:
    """After a check, the scenario goes on: with proposals, and with more that is given."""
    (
        AUCTION.given(ADA)
        .when(BEN, higher)
        .then_accepted(BEN)
        .when(BEN, higher)
        .then_rejected("not above 600")
        .given(Bid("lot-1", "eve", 700))
        .when(Bid("lot-1", "ada", 701), higher)
        .then_accepted()
    )


def said(expected: str, found: str, past: str = "no events", proposed: Bid = ADA) -> str:
    """What a failed check says."""
    context = f"proposed: {proposed}\npast of scope 'lot-1': {past}"
    return f"expected: {expected}\nfound: {found}\n{context}"


ONE_ADA = f"1 event\n  {ADA}"
ONE_BEN = f"1 event\n  {BEN}"
ADA_BEN = f"2 events\n  {ADA}\n  {BEN}"
BEN_ADA = f"2 events\n  {BEN}\n  {ADA}"

WRONG: list[tuple[str, Callable[[], Then[Any]], str]] = [
    (
        "acceptance",
        lambda: REJECTED.then_accepted(),
        said("accepted", "rejected because 'not above 500'", ONE_ADA),
    ),
    (
        "acceptance of events",
        lambda: SILENT.then_accepted(ADA),
        said(f"accepted, storing {ONE_ADA}", "rejected without a reason"),
    ),
    (
        "acceptance in time",
        lambda: TIMED_OUT.then_accepted(),
        said("accepted", "timed out because 'timed out'"),
    ),
    (
        "another event",
        lambda: ACCEPTED.then_accepted(ADA),
        said(f"accepted, storing {ONE_ADA}", f"accepted, storing {ONE_BEN}", ONE_ADA, BEN),
    ),
    (
        "one more event",
        lambda: ACCEPTED.then_accepted(BEN, ADA),
        said(
            f"accepted, storing {BEN_ADA}",
            f"accepted, storing {ONE_BEN}\nfirst different: 2",
            ONE_ADA,
            BEN,
        ),
    ),
    (
        "another order",
        lambda: AUCTION.when(ADA, both).then_accepted(BEN, ADA),
        said(f"accepted, storing {BEN_ADA}", f"accepted, storing {ADA_BEN}\nfirst different: 1"),
    ),
    (
        "rejection",
        lambda: ACCEPTED.then_rejected(),
        said("rejected", f"accepted, storing {ONE_BEN}", ONE_ADA, BEN),
    ),
    (
        "rejection for a reason",
        lambda: ACCEPTED.then_rejected("too low"),
        said("rejected because 'too low'", f"accepted, storing {ONE_BEN}", ONE_ADA, BEN),
    ),
    (
        "another reason",
        lambda: REJECTED.then_rejected("too low"),
        said("rejected because 'too low'", "rejected because 'not above 500'", ONE_ADA),
    ),
    (
        "rejection and no timeout",
        lambda: TIMED_OUT.then_rejected("timed out"),
        said("rejected because 'timed out'", "timed out because 'timed out'"),
    ),
    (
        "timeout",
        lambda: SILENT.then_timed_out(),
        said("timed out", "rejected without a reason"),
    ),
]


@pytest.mark.parametrize(
    ("check", "message"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG]
)
def test_a_check_that_fails_says_all(check: Callable[[], object], message: str) -> None:
    """A failed check says what was expected, what was found, and of what past."""
    with pytest.raises(AssertionError) as raised:
        check()

    assert message == str(raised.value)


def test_a_failure_points_at_the_test() -> None:
    """Pytest is told to leave the library's own lines out of a failed check's traceback."""
    with pytest.raises(AssertionError) as raised:
        ACCEPTED.then_accepted(ADA)

    own = [entry for entry in raised.traceback if entry.path != Path(__file__)]
    assert own
    assert all(entry.frame.f_locals.get("__tracebackhide__") for entry in own)


def test_a_long_past_is_cut() -> None:
    """Of a long past the last ten events are shown, of many new events the first ten."""
    past = [Bid("lot-1", "ada", cents) for cents in range(12)]
    after = AUCTION.given(*past).when(ADA, lambda request: request.accept(events=past))

    with pytest.raises(AssertionError) as raised:
        after.then_rejected()

    lines = str(raised.value).splitlines()
    assert "found: accepted, storing 12 events" == lines[1]
    assert [f"  {bid}" for bid in past[:10]] == lines[2:12]
    assert "  … 2 more" == lines[12]
    assert ["past of scope 'lot-1': 12 events", "  … 2 before"] == lines[14:16]
    assert [f"  {bid}" for bid in past[2:]] == lines[16:]


def test_a_duplicate_is_told_as_one() -> None:
    """A failed check of a duplicate says that it was accepted before."""
    after = ACCEPTED.when(BEN, accept, proposal_id=ACCEPTED.result.proposal_id)
    after.then_accepted(BEN)

    with pytest.raises(AssertionError) as raised:
        after.then_rejected()

    found = f"accepted, as it was before, storing {ONE_BEN}"
    assert said("rejected", found, ADA_BEN, BEN) == str(raised.value)


def test_the_state_is_checked() -> None:
    """`then_state` compares the fold's state, and says both."""
    after = scenario(events=Bid, scope_of=lot_of, state=HIGHEST).given(ADA).when(BEN, accept)

    assert after is after.then_state(600)
    with pytest.raises(AssertionError) as raised:
        after.then_state(500)
    assert said("state 500", "state 600", ONE_ADA, BEN) == str(raised.value)


def test_a_state_needs_a_fold() -> None:
    """Without a fold there is no state to check, not even None."""
    with pytest.raises(TypeError, match="state: expected a scenario with a fold"):
        ACCEPTED.then_state(None)


def test_it_shows_its_result() -> None:
    """The text of it is that of its result."""
    assert f"Then(result={ACCEPTED.result!r})" == repr(ACCEPTED)
    assert "Scenario()" == repr(AUCTION)


def test_what_is_stored_as_the_same_is_the_same() -> None:
    """A tuple in plain JSON is expected as well as the list that it becomes."""
    after = scenario(events=None, scope="a").when(
        JsonEvent("bid", {"b": (1, 2), "a": 0}), lambda request: request.accept()
    )

    after.then_accepted(JsonEvent("bid", {"a": 0, "b": (1, 2)}))
    with pytest.raises(AssertionError):
        after.then_accepted(JsonEvent("bid", {"a": 0, "b": (1, 3)}))
    with pytest.raises(AssertionError):
        after.then_accepted(JsonEvent("other", {"a": 0, "b": (1, 2)}))


@attrs.frozen
class Stamped:
    """An event that is equal to others without its stamp."""

    cents: int
    stamp: int = attrs.field(eq=False, default=0)


class Opaque:
    """An event without equality."""

    def __init__(self, value: int) -> None:
        self.value = value


def test_a_class_says_what_is_equal() -> None:
    """Members that a class leaves out of comparisons are left out here."""
    after = scenario(events=Stamped, scope="a").when(
        Stamped(1, stamp=1), lambda request: request.accept()
    )

    after.then_accepted(Stamped(1, stamp=2))
    with pytest.raises(AssertionError):
        after.then_accepted(Stamped(2, stamp=1))


def test_a_class_without_equality_is_compared_as_stored() -> None:
    """Events of a class that defines no equality are the same if they are stored as the same."""
    opaque = EventType(Opaque, encode=lambda one: one.value, decode=Opaque)
    after = scenario(events=opaque, scope="a").when(Opaque(1), lambda request: request.accept())

    after.then_accepted(Opaque(1))
    with pytest.raises(AssertionError):
        after.then_accepted(Opaque(2))


def test_an_event_of_no_type_is_never_the_same() -> None:
    """An expected event that no store could hold fails the check, and is shown."""
    odd: Any = "600"

    with pytest.raises(AssertionError, match="cents='600'"):
        ACCEPTED.then_accepted(attrs.evolve(copy.copy(BEN), cents=odd))
