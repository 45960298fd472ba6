"""A subscription as its client keeps it, without a network."""

from __future__ import annotations

import random

import pytest

from atomic_store import Record
from atomic_store.gateway.client.calls import Ended, Flow, Following
from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol import server_messages as said
from conversations import Table, only, wire


def take(call: Following) -> list[int | str]:
    """All that is there: positions of records, and where it had caught up."""
    found: list[int | str] = []
    while (item := call.next()) is not None:
        found.append(item.position if isinstance(item, Record) else f"caught up at {item}")
    return found


def records(id_: int, *positions: int) -> said.Records:
    """Records of the lot."""
    return said.Records(id=id_, records=[wire(position) for position in positions])


def test_history_then_live() -> None:
    """Records come in order, and where history ends is told once."""
    table = Table()
    table.connect()
    call = table.follow()
    assert [asked.Subscribe(id=1, all=True, store="history-1")] == table.heard()
    table.say(records(1, 1, 2), said.CaughtUp(id=1, position=2), records(1, 3))
    table.say(said.CaughtUp(id=1, position=3))

    assert [1, 2, "caught up at 2", 3] == take(call)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"scope": "lot"}, {"scope": "lot"}),
        ({"prefix": "lo"}, {"prefix": "lo"}),
        ({"where": "type = Bid"}, {"all": True, "where": "type = Bid"}),
        ({"history": "history-0", "after": 7}, {"all": True, "store": "history-0", "after": 7}),
        ({"after": "end"}, {"all": True, "after": "end"}),
    ],
)
def test_what_is_asked(members: dict[str, object], expected: dict[str, object]) -> None:
    """A subscription says what it covers, where it begins, and of which history that is."""
    table = Table()
    table.connect()
    table.follow(**members)  # type: ignore[arg-type]  # by name
    subscribe = only(table.heard(), asked.Subscribe)

    assert {"store": "history-1"} | expected == {
        name: value
        for name in ("scope", "prefix", "all", "where", "store", "after")
        if (value := getattr(subscribe, name)) not in (None, False, 0)
    }


def test_it_goes_on_behind_what_it_has() -> None:
    """After a lost connection it asks for what lies behind the last record or catching up."""
    table = Table()
    table.connect()
    call = table.follow()
    table.say(records(1, 1, 4))
    table.conversation.lost()
    first = only(table.connect(), asked.Subscribe)
    table.say(said.CaughtUp(id=1, position=9))
    table.conversation.lost()
    second = only(table.connect(), asked.Subscribe)

    assert [(4, "history-1"), (9, "history-1")] == [(m.after, m.store) for m in (first, second)]
    assert [1, 4, "caught up at 9"] == take(call)


def test_another_history_ends_it() -> None:
    """A reset is told once all records before it were taken, and nothing is unsubscribed."""
    table = Table()
    table.connect()
    call = table.follow()
    table.say(records(1, 1), said.Reset(id=1, store="history-2"), said.Done(id=1))

    assert "history-2" == call.new_history
    assert [Ended(call, said.Done(id=1))] == [
        one for one in table.happened() if isinstance(one, Ended)
    ]
    assert [1] == take(call)


def test_a_slow_reader_is_unsubscribed_and_goes_on() -> None:
    """What is not taken is bounded; beyond, records are dropped, and asked for again later."""
    table = Table()
    table.connect()
    call = table.follow(bytes_max=1_200)
    table.heard()

    assert [] == table.say(records(1, 1, 2))
    assert [asked.Unsubscribe(id=1)] == table.say(records(1, 3))
    table.say(records(1, 4, 5), said.CaughtUp(id=1, position=5), said.Done(id=1))
    assert Flow.STOPPED is call.flow
    assert [] == [one for one in table.happened() if isinstance(one, Ended)]
    table.conversation.resume(call)
    assert [] == table.heard()
    assert [1, 2, 3] == take(call)
    table.conversation.resume(call)
    assert 3 == only(table.heard(), asked.Subscribe).after
    table.say(records(2, 4, 5), said.CaughtUp(id=2, position=5))
    assert [4, 5, "caught up at 5"] == take(call)


def test_one_that_was_quick_again_goes_on_at_once() -> None:
    """Where all was taken before the gateway had ended it, it is asked for with that."""
    table = Table()
    table.connect()
    call = table.follow(bytes_max=600)
    table.say(records(1, 1, 2))
    take(call)
    table.conversation.resume(call)

    assert [] == table.heard()
    assert 2 == only(table.say(said.Done(id=1)), asked.Subscribe).after


def test_a_stopped_one_is_not_asked_for_on_the_next_connection() -> None:
    """A lost connection does not make a slow reader quicker."""
    table = Table()
    table.connect()
    call = table.follow(bytes_max=600)
    table.say(records(1, 1, 2))
    table.conversation.lost()

    assert [] == table.connect()
    take(call)
    table.conversation.resume(call)
    assert 2 == only(table.heard(), asked.Subscribe).after


def test_forgetting_one_that_is_stopping() -> None:
    """It is unsubscribed once."""
    table = Table()
    table.connect()
    call = table.follow(bytes_max=600)
    table.heard()

    assert [asked.Unsubscribe(id=1)] == table.say(records(1, 1, 2))
    table.conversation.forget(call)
    assert [] == table.say(records(1, 3), said.Done(id=1))


@pytest.mark.parametrize("seed", range(20))
def test_memory_is_bounded(seed: int) -> None:
    """Whoever takes how much when: each record comes once, and few are held at a time."""
    chance = random.Random(seed)
    table = Table()
    table.connect()
    call = table.follow(bytes_max=3_000)
    table.heard()
    taken: list[int] = []
    sent_to, subscribed, most = 0, call.id, 0
    while len(taken) < 300:
        messages: list[asked.ClientMessage] = []
        if subscribed is not None and sent_to < 300:
            many = range(sent_to + 1, min(300, sent_to + chance.randint(1, 5)) + 1)
            messages = table.say(records(subscribed, *many))
            sent_to = many[-1]
        most = max(most, len(call._ready))
        if chance.random() < 0.3:
            items = [call.next() for _ in range(chance.randint(1, 8))]
            taken += [item.position for item in items if isinstance(item, Record)]
            table.conversation.resume(call)
            messages += table.heard()
        while messages:
            message = messages.pop(0)
            if isinstance(message, asked.Unsubscribe):
                assert subscribed is not None
                done, subscribed = said.Done(id=subscribed), None
                messages += table.say(done)
            elif isinstance(message, asked.Subscribe):
                assert isinstance(message.after, int)
                subscribed, sent_to = message.id, message.after

    assert list(range(1, 301)) == taken
    assert most <= 11
