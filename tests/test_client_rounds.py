"""Rounds as a client's conversation has them: one's own, and those of others."""

from __future__ import annotations

import msgspec
import pytest

from atomic_store.gateway.client.calls import Ended, Opened, Refused, Shut
from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol import server_messages as said
from atomic_store.gateway.protocol.codes import ErrorCode
from conversations import (
    LIMITS,
    Table,
    accepted,
    decide,
    only,
    opened,
    past,
    proposal_id,
    sequences,
    validate,
    wire,
)

# --- proposing ---------------------------------------------------------------------------------


def test_a_proposal_that_its_proposer_decides() -> None:
    """Past, round, decision and result: each is told once, and the past is held for the next."""
    table = Table()
    table.connect()
    call = table.propose(metadata={"a": 1})
    propose = only(table.heard(), asked.Propose)

    assert asked.Propose(
        id=1, event=asked.Event("Bid", {"cents": 1}), scope="lot", proposal_id=call.proposal_id,
        decide="self", metadata={"a": 1},
    ) == propose  # fmt: skip
    assert [] == table.say(past(1, 0, 2), said.Waiting(id=1, ahead=3), past(1, 2, 3))
    table.say(validate(1, "r-7", 3))
    shown = opened(table)
    assert ("r-7", "lot", 3, [1, 2, 3]) == (
        shown.round, shown.scope, shown.sequence, sequences(shown.past),
    )  # fmt: skip
    before = call.may_be_stored
    table.conversation.decide(call, decide("r-7", meta=5))
    assert [asked.Decide(id=1, round="r-7", accept=True, meta=5)] == table.heard()
    assert (False, True) == (before, call.may_be_stored)
    table.say(accepted(1, wire(4)))
    (ended,) = table.happened()
    assert isinstance(ended, Ended)
    assert [1, 2, 3, 4] == sequences(call.view)
    table.propose()
    assert 4 == only(table.heard(), asked.Propose).known


def test_a_proposal_that_others_decide_asks_for_no_past() -> None:
    """Without a validator here, nothing is known and no past is wanted."""
    table = Table()
    table.connect()
    call = table.propose(decides=False)
    propose = only(table.heard(), asked.Propose)

    assert (0, None, False) == (propose.known, propose.decide, propose.past)
    assert call.may_be_stored


def test_a_past_from_0_replaces_what_was_known() -> None:
    """Where the gateway says the past from its beginning, what was held counts no more."""
    table = Table()
    table.connect()
    table.propose()
    table.say(past(1, 0, 3), validate(1, "r-1", 3), accepted(1, wire(4)))
    table.happened()
    table.propose()
    other = [wire(11, sequence=1), wire(12, sequence=2)]
    table.say(said.Past(id=2, after=0, records=other, through=2), validate(2, "r-2", 2))
    shown = opened(table)

    assert [11, 12] == [record.position for record in shown.past.past.records]


def test_two_proposals_of_a_scope_share_its_past() -> None:
    """Both are shown the same past in full, though each was asked when less was held."""
    table = Table()
    table.connect()
    for call in (table.propose(), table.propose()):
        id_ = call.id
        assert id_ is not None
        table.say(past(id_, 0, 2), validate(id_, f"r-{id_}", 2))
    first, second = [one for one in table.happened() if isinstance(one, Opened)]

    assert [1, 2] == sequences(first.past) == sequences(second.past)


def test_a_lost_connection_ends_the_round() -> None:
    """The round is over, the proposal is made again, and a decision of the old round is void."""
    table = Table()
    table.connect()
    call = table.propose()
    table.say(validate(1, "r-1", 0))
    opened(table)
    table.conversation.lost()

    assert [Shut(call, "r-1")] == table.happened()
    table.conversation.decide(call, decide("r-1"))
    again = only(table.connect(), asked.Propose)
    assert call.proposal_id == again.proposal_id
    table.say(validate(1, "r-2", 0))
    table.conversation.decide(call, decide("r-1"))
    assert [] == table.heard()
    assert not call.may_be_stored


def test_a_held_round_is_not_begun_again() -> None:
    """A block of code that has seen its round is told that it is lost; one that has not, waits."""
    table = Table()
    table.connect()
    seen, unseen = table.propose(is_held=True), table.propose(is_held=True)
    table.say(validate(1, "r-1", 0))
    opened(table)
    table.conversation.lost()

    assert [Shut(seen, "r-1"), Ended(seen, None)] == table.happened()
    assert unseen.proposal_id == only(table.connect(), asked.Propose).proposal_id


def test_a_held_round_that_was_answered_is_asked_for() -> None:
    """A decision may have arrived: the proposal is made again to find out."""
    table = Table()
    table.connect()
    call = table.propose(is_held=True)
    table.say(validate(1, "r-1", 0))
    table.conversation.decide(call, decide("r-1"))
    table.conversation.lost()

    assert call.proposal_id == only(table.connect(), asked.Propose).proposal_id


def test_a_rejecting_decision_stores_nothing() -> None:
    """After a rejection the outcome is never open."""
    table = Table()
    table.connect()
    call = table.propose()
    table.say(validate(1, "r-1", 0))
    table.conversation.decide(call, decide("r-1", accept=False, reason="low"))

    assert [asked.Decide(id=1, round="r-1", accept=False, reason="low")] == table.heard()
    assert not call.may_be_stored


def test_a_decision_that_is_too_large_is_not_sent() -> None:
    """It is a ValueError here, and the round stays open."""
    table = Table()
    table.connect(limits=msgspec.structs.replace(LIMITS, message_bytes=500))
    call = table.propose()
    table.say(validate(1, "r-1", 0))

    with pytest.raises(ValueError, match="at most 500 bytes"):
        table.conversation.decide(call, decide("r-1", meta="x" * 500))
    table.conversation.decide(call, decide("r-1"))
    assert 1 == len([m for m in table.heard() if isinstance(m, asked.Decide)])


def test_a_refused_decision_is_told_and_a_stale_one_is_not() -> None:
    """What cannot be stored is the caller's to know; what came late changes nothing."""
    table = Table()
    table.connect()
    call = table.propose()
    table.say(validate(1, "r-1", 0))
    table.happened()
    stale = said.error(ErrorCode.STALE_ROUND, "late", 1)
    refused = said.error(ErrorCode.INVALID_EVENT, "no such type", 1)
    table.say(
        msgspec.structs.replace(stale, final=False), msgspec.structs.replace(refused, final=False)
    )
    (happening,) = table.happened()

    assert isinstance(happening, Refused)
    assert call is happening.call


def test_withdrawing() -> None:
    """A proposal is taken back once, its result is still told, and it is not made again."""
    table = Table()
    table.connect()
    call, lost = table.propose(), table.propose()
    table.heard()

    assert table.conversation.withdraw(call)
    assert table.conversation.withdraw(lost)
    assert [asked.Withdraw(id=1), asked.Withdraw(id=2)] == table.heard()
    table.say(said.Result(id=1, accepted=False, outcome="withdrawn"))
    table.conversation.lost()
    assert [True, False] == [
        happening.answer is not None
        for happening in table.happened()
        if isinstance(happening, Ended)
    ]
    assert [] == table.connect()


def test_withdrawing_what_was_not_asked() -> None:
    """There is nobody to tell, and nothing to wait for."""
    table = Table()
    call = table.propose()

    assert not table.conversation.withdraw(call)
    table.conversation.forget(call)
    assert [] == table.connect()


# --- deciding for others ----------------------------------------------------------------------


WHOSE = said.RoundFor("lot", proposal_id(77), "bob")


def test_an_offer_and_its_rounds() -> None:
    """A round is shown with whose it is, and is over when the gateway says so."""
    table = Table()
    table.connect()
    call = table.offer()
    offer = only(table.heard(), asked.ValidateFor)
    table.say(past(1, 0, 2, "r-1"), past(1, 2, 3, "r-1"), validate(1, "r-1", 3, WHOSE))
    shown = opened(table)
    table.conversation.decide(call, decide("r-1"))

    assert asked.ValidateFor(id=1, prefix="", rounds=2) == offer
    assert ("bob", proposal_id(77), [1, 2, 3]) == (
        shown.principal, shown.proposal_id, sequences(shown.past),
    )  # fmt: skip
    assert [asked.Decide(id=1, round="r-1", accept=True)] == table.heard()
    table.say(said.Over(id=1, round="r-1", outcome="accepted"))
    assert [Shut(call, "r-1")] == table.happened()
    table.conversation.decide(call, decide("r-1"))
    assert [] == table.heard()


def test_the_past_of_others_rounds_is_held() -> None:
    """The next round of the scope builds on what was shown before."""
    table = Table()
    table.connect()
    table.offer()
    table.say(past(1, 0, 2, "r-1"), validate(1, "r-1", 2, WHOSE))
    table.say(said.Over(id=1, round="r-1", outcome="accepted"))
    table.happened()
    table.say(past(1, 2, 3, "r-2"), validate(1, "r-2", 3, WHOSE))

    assert [1, 2, 3] == sequences(opened(table).past)


def test_a_past_that_is_lacking_is_asked_for() -> None:
    """Where what lies before a page is not held any more, it is needed, and comes again."""
    table = Table()
    table.connect()
    table.offer()
    table.heard()

    assert [] == table.say(past(1, 2, 3, "r-1"))
    assert [asked.Need(id=1, round="r-1", known=0)] == table.say(validate(1, "r-1", 3, WHOSE))
    assert [] == table.happened()
    table.say(past(1, 0, 3, "r-1"), validate(1, "r-1", 3, WHOSE))
    assert [1, 2, 3] == sequences(opened(table).past)


def test_what_was_held_when_more_was_needed_is_kept() -> None:
    """The gateway goes by what the client said it knows, whatever is dropped meanwhile."""
    table = Table()
    table.connect()
    table.offer()
    table.say(past(1, 0, 1, "r-1"), validate(1, "r-1", 1, WHOSE))
    table.say(past(1, 2, 3, "r-2"))

    assert [asked.Need(id=1, round="r-2", known=1)] == table.say(validate(1, "r-2", 3, WHOSE))
    table.happened()
    table.conversation.pasts.clear()
    table.say(past(1, 1, 3, "r-2"), validate(1, "r-2", 3, WHOSE))
    assert [1, 2, 3] == sequences(opened(table).past)


def test_a_round_whose_past_was_all_sent_before_may_lack_it() -> None:
    """Where nothing new was to be shown, and nothing is held, all of it is needed."""
    table = Table()
    table.connect()
    table.offer()
    table.heard()

    assert [asked.Need(id=1, round="r-1", known=0)] == table.say(validate(1, "r-1", 2, WHOSE))


def test_lost_offers_are_made_again() -> None:
    """The rounds of the lost connection are over, and new ones may come."""
    table = Table()
    table.connect()
    call = table.offer(rounds=1)
    table.say(validate(1, "r-1", 0, WHOSE))
    table.happened()
    table.conversation.lost()

    assert [Shut(call, "r-1")] == table.happened()
    only(table.connect(), asked.ValidateFor)
    table.say(validate(1, "r-2", 0, WHOSE))
    assert "r-2" == opened(table).round
