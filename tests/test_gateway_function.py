"""The gateway's own function, where it is started in vain, interrupted, or says odd things."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from atomic_store import Decision, JsonEvent, ValidationRequest
from gateway_talk import bid, house

Request = ValidationRequest[Any]


async def test_taken_back_before_it_began() -> None:
    """One that was called, and whose task has not begun, is ended with its round, too."""
    ended = []

    async def never(request: Request) -> Decision:
        try:
            await trio.sleep_forever()
        finally:
            ended.append(request.sequence)
        raise AssertionError

    async with house(validate=never) as here:
        ada = await here.connect()
        ada.hear()
        async with here.store.consider(JsonEvent("Bid", 1), scope="lot/1") as request:
            id_ = await ada.ask("propose", scope="lot/1", event=bid(2))
            ada.heard("waiting")
            scope = here.store._supervisor.scopes["lot/1"]
            (job,) = here.gateway._services.proposals._jobs.values()
            assert scope.admission.round is not None
            # The next round opens at once, and is over at once.
            scope.answer(scope.admission.round.proposal, request.accept())
            job.withdraw()
        await wait_all_tasks_blocked()

        ada.heard("result", id=id_, outcome="withdrawn")
        assert [1] == ended


async def test_an_interrupt() -> None:
    """An interrupt that comes to a plain function ends the gateway, not the journal's turn."""

    def interrupted(request: Request) -> Decision:
        if request.sequence == 0:
            return request.accept()
        raise KeyboardInterrupt

    with pytest.RaisesGroup(KeyboardInterrupt, flatten_subgroups=True):
        async with house(validate=interrupted) as here:
            ada = await here.connect()
            ada.hear()
            here.journal.pause()
            for n in range(2):
                await ada.ask("propose", scope="lot/1", event=bid(n))
            assert [] == ada.hear_all()
            here.journal.resume()
            await trio.sleep_forever()
    assert 1 == here.store.head.position


async def test_a_reason_that_is_no_text() -> None:
    """A reason that UTF-8 cannot hold is told as far as it can."""
    async with house(validate=lambda request: request.reject("not \udcff")) as here:
        ada = await here.connect()
        ada.hear()
        id_ = await ada.ask("propose", scope="lot/1", event=bid(1))

        ada.heard("result", id=id_, outcome="rejected", reason="not ?")
