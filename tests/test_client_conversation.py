"""What a client says next: its conversation, without a network."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from atomic_store.gateway.client.calls import Call, Ended
from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol import server_messages as said
from atomic_store.gateway.protocol import text
from atomic_store.gateway.protocol.codes import ErrorCode
from conversations import (
    LIMITS,
    Table,
    accepted,
    ask,
    only,
    past,
    proposal_id,
    validate,
    watch,
    welcome,
    wire,
)

# --- connections -----------------------------------------------------------------------


def test_hello_comes_first() -> None:
    """Nothing is asked before the welcome, then all that waits, in order, under rising ids."""
    table = Table()
    table.propose()
    ask(table)

    assert [] == table.heard()
    propose, stats = table.connect()

    assert isinstance(propose, asked.Propose)
    assert (1, asked.Stats(id=2)) == (propose.id, stats)


def test_all_that_is_unanswered_is_asked_again() -> None:
    """After a lost connection, ids begin anew, and each call is asked once, in the old order."""
    table = Table()
    table.connect()
    first, answered, last = table.propose(), ask(table), table.propose()
    table.heard()
    table.say(said.Done(id=2))
    table.conversation.lost()
    again = table.connect()

    assert [(1, first.proposal_id), (2, last.proposal_id)] == [
        (message.id, message.proposal_id) for message in again if isinstance(message, asked.Propose)
    ]
    assert 2 == len(again)
    assert [answered] == [happening.call for happening in table.happened()]


def test_what_was_written_for_a_lost_connection_is_not_said_on_the_next() -> None:
    """A message that was not sent dies with its connection; the call is asked anew."""
    table = Table()
    table.connect()
    table.propose()
    table.conversation.lost()

    assert 1 == len(table.connect())


def test_another_history_drops_the_past() -> None:
    """What was held of scopes is not said to be known where the store has another history."""
    table = Table()
    table.connect()
    table.propose()
    table.heard()
    table.say(past(1, 0, 3), validate(1, "r-1", 3), accepted(1, wire(4)))
    table.propose()
    known = only(table.heard(), asked.Propose)
    table.conversation.lost()
    unknown = only(table.connect(store="history-2"), asked.Propose)

    assert (4, proposal_id(4)) == (known.known, known.known_id)
    assert (0, None) == (unknown.known, unknown.known_id)


def test_the_same_history_keeps_the_past() -> None:
    """After a lost connection to the same history, only what is new need travel."""
    table = Table()
    table.connect()
    table.propose()
    table.say(past(1, 0, 3), validate(1, "r-1", 3))
    table.conversation.lost()

    assert 3 == only(table.connect(), asked.Propose).known


def test_pings_are_answered_once() -> None:
    """However many pings come before an answer could go out, there is one answer."""
    table = Table()
    table.connect()

    assert [asked.Pong()] == table.say(said.Ping(), said.Ping(), said.Pong())


def test_unknown_types_are_passed_by() -> None:
    """A message of a type that this version does not know changes nothing."""
    table = Table()
    table.connect()
    table.conversation.hear('{"type":"fireworks","id":7}')

    assert [] == table.heard()


def test_goodbye_and_complaint_are_kept() -> None:
    """What the gateway says of the connection itself is there to be read, until the next one."""
    table = Table()
    table.connect()
    table.say(said.Goodbye(reason="shutdown", reconnect_after_s=1.5))
    table.say(said.error(ErrorCode.UNAUTHORIZED, "who?"))

    goodbye, complaint = table.conversation.goodbye, table.conversation.complaint
    table.conversation.lost()
    table.connect()

    assert said.Goodbye(reason="shutdown", reconnect_after_s=1.5) == goodbye
    assert said.error(ErrorCode.UNAUTHORIZED, "who?") == complaint
    assert table.conversation.goodbye is None
    assert table.conversation.complaint is None


BROKEN: dict[str, said.ServerMessage | str] = {
    "no JSON": "{",
    "no object": "[]",
    "a missing member": '{"type":"result","id":1}',
    "a wrong member": '{"type":"done","id":"1"}',
    "an id that was not asked": said.Done(id=9),
    "an id that nobody may ask": said.Done(id=0),
    "a second welcome": welcome(),
    "a result of a question": said.Result(id=2, accepted=False, outcome="rejected"),
    "a done of a proposal": said.Done(id=1),
    "records of a proposal": said.Records(id=1, records=[]),
    "a past of a question": past(2, 0, 1),
    "figures of a subscription": said.StatsShown(id=3, figures={}),
    "a past with a gap before it": past(1, 2, 3),
    "a past with a hole": said.Past(id=1, after=0, records=[wire(2)], through=1),
    "a past that is too short": said.Past(id=1, after=0, records=[wire(1)], through=2),
    "another scope's past": said.Past(id=1, after=0, records=[wire(1, "x")], through=1),
    "a round before its past": validate(1, "r-1", 1),
    "a round of another for a proposer": said.Over(id=1, round="r-1", outcome="accepted"),
    "more rounds than were offered": past(4, 0, 1, "r-3"),
    "a gap in a round of another": validate(
        4, "r-1", 3, said.RoundFor("lot", proposal_id(1), "bob")
    ),
    "records that go back": said.Records(id=3, records=[wire(5), wire(5)]),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_what_breaks_the_protocol_is_refused(broken: said.ServerMessage | str) -> None:
    """A message that has no place here is a ValueError: the connection is of no use any more."""
    table = Table()
    table.connect()
    table.propose()
    ask(table)
    table.follow()
    table.offer(rounds=2)
    table.say(past(4, 0, 1, "r-1"), past(4, 0, 1, "r-2"))
    written = broken if isinstance(broken, str) else text.write(broken)

    with pytest.raises(ValueError, match="expected"):
        table.conversation.hear(written)


@pytest.mark.parametrize(
    "changes", [{"protocol": 2}, {"heartbeat_s": 0.0}], ids=["protocol", "heartbeat"]
)
def test_a_welcome_of_another_kind_is_refused(changes: dict[str, Any]) -> None:
    """A gateway of another protocol, or without a heartbeat, is not for this client."""
    table = Table()
    table.conversation.connected()

    with pytest.raises(ValueError, match="expected"):
        table.say(welcome(**changes))


# --- limits -----------------------------------------------------------------------------------


def test_no_more_is_open_than_the_gateway_takes() -> None:
    """What is above the gateway's limit waits its turn, in order."""
    table = Table()
    table.connect(limits=msgspec.structs.replace(LIMITS, open_requests=2))
    calls = [ask(table) for _ in range(4)]

    assert [1, 2] == [message.id for message in table.heard() if isinstance(message, asked.Stats)]
    assert [asked.Stats(id=3)] == table.say(said.Done(id=2))
    assert [asked.Stats(id=4)] == table.say(said.Done(id=3))
    assert [calls[1], calls[2]] == [happening.call for happening in table.happened()]


def test_a_gateway_full_of_subscriptions_refuses_at_once() -> None:
    """Where only what never ends is open, one more does not wait for ever: it is refused."""
    table = Table()
    table.connect(limits=msgspec.structs.replace(LIMITS, open_requests=1))
    table.follow()
    call = ask(table)
    (happening,) = table.happened()

    assert isinstance(happening, Ended)
    assert call is happening.call
    assert isinstance(happening.answer, said.Error)
    assert ErrorCode.TOO_MANY is happening.answer.code


def test_a_request_that_is_too_large_is_not_sent() -> None:
    """What the gateway would close the connection for never leaves, and takes no id."""
    table = Table()
    table.connect(limits=msgspec.structs.replace(LIMITS, message_bytes=500))
    table.propose(metadata={"note": "x" * 500})
    (happening,) = table.happened()
    ask(table)

    assert isinstance(happening, Ended)
    assert isinstance(happening.answer, said.Error)
    assert ErrorCode.TOO_LARGE is happening.answer.code
    assert [asked.Stats(id=1)] == table.heard()


# --- forgetting ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["proposal", "question", "subscription", "offer", "watch"])
def test_forgetting(kind: str) -> None:
    """The gateway is told what it can end; what still comes is dropped; its place is free then."""
    table = Table()
    table.connect(limits=msgspec.structs.replace(LIMITS, open_requests=1))
    call, expected, end = forgettable(table, kind)
    table.heard()
    table.conversation.forget(call)
    table.conversation.forget(call)

    assert expected == table.heard()
    table.say(said.Records(id=1, records=[wire(1)]))
    following = table.propose()
    assert [] == table.heard()
    assert following.proposal_id == only(table.say(end), asked.Propose).proposal_id
    assert [] == table.happened()


def forgettable(
    table: Table, kind: str
) -> tuple[Call, list[asked.ClientMessage], said.ServerMessage]:
    """Make a call of a kind; what the gateway is told of its forgetting; and how it ends."""
    done, unsubscribe = said.Done(id=1), asked.Unsubscribe(id=1)
    match kind:
        case "proposal":
            withdrawn = said.Result(id=1, accepted=False, outcome="withdrawn")
            return table.propose(), [asked.Withdraw(id=1)], withdrawn
        case "question":
            return ask(table), [], done
        case "subscription":
            return table.follow(), [unsubscribe], done
        case "offer":
            return table.offer(), [unsubscribe], done
        case _:
            return watch(table), [unsubscribe], done


def test_a_gateway_that_shuts_down_is_no_answer() -> None:
    """What it could not serve is asked on the next connection, and not before."""
    table = Table()
    table.connect()
    call, question = table.propose(), ask(table)
    table.heard()

    assert [] == table.say(
        said.error(ErrorCode.SHUTTING_DOWN, "soon", 1),
        said.error(ErrorCode.SHUTTING_DOWN, "soon", 2),
        said.Goodbye(reason="shutdown"),
    )
    assert [] == table.happened()
    table.conversation.lost()
    propose, stats = table.connect()
    assert isinstance(propose, asked.Propose)
    assert call.proposal_id == propose.proposal_id
    assert asked.Stats(id=2) == stats
    assert question.id == 2


def test_what_comes_behind_an_end_is_dropped() -> None:
    """Records and errors of a request that has ended are of no use, and do no harm."""
    table = Table()
    table.connect()
    call = table.follow()
    table.say(said.error(ErrorCode.SHUTTING_DOWN, "soon", 1))
    table.say(said.Records(id=1, records=[wire(1)]), said.error(ErrorCode.INTERNAL, "odd", 1))

    assert [] == table.happened()
    table.conversation.lost()
    assert 0 == only(table.connect(), asked.Subscribe).after
    table.say(said.Records(id=1, records=[wire(1)]))
    assert 1 == call.position


def test_an_error_is_an_answer() -> None:
    """A final error ends its call, and is told."""
    table = Table()
    table.connect()
    call = table.propose()
    error = said.error(ErrorCode.FORBIDDEN, "no", 1)
    table.say(error)

    assert [Ended(call, error)] == table.happened()
    table.conversation.lost()
    assert [] == table.connect()


def test_half_an_answer_is_none() -> None:
    """What came of an answer before the connection was lost is dropped with it."""
    table = Table()
    table.connect()
    call = ask(table)
    table.say(said.StatsShown(id=1, figures={"a": 1}))
    table.conversation.lost()
    table.connect()
    table.say(said.StatsShown(id=1, figures={"a": 2}), said.Done(id=1))

    assert [{"a": 2}] == [message.figures for message in call.found]


# --- watching -----------------------------------------------------------------------------------


def test_of_each_scope_the_latest_is_kept() -> None:
    """Whoever is slow to look finds what is so now, not how it came about."""
    table = Table()
    table.connect()
    call = watch(table)
    table.say(said.ScopesShown(id=1, scopes=[said.ScopeShown("a", 1, 1, ""), said.ScopeShown(
        "b", 1, 2, "")]))  # fmt: skip
    table.say(said.ScopesShown(id=1, scopes=[said.ScopeShown("a", 2, 3, "")]))

    assert {"a": 3, "b": 2} == {name: one.position for name, one in call.changed.items()}
