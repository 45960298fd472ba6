"""Gateways that break a promise, so that a campaign can be seen to notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final
from unittest.mock import patch

import msgspec

from atomic_store.gateway import asking
from atomic_store.gateway.peer import Peer
from atomic_store.gateway.protocol import paging
from atomic_store.gateway.protocol.client_messages import Subscribe
from atomic_store.gateway.protocol.server_messages import Result
from atomic_store.gateway.protocol.session import Session, Start
from atomic_store.journal.file import FileJournal


@contextmanager
def told_twice() -> Iterator[None]:
    """Each accepted result is said twice."""
    finish = Peer.finish

    def twice(self: Peer, id_: int, message: Any) -> None:
        finish(self, id_, message)
        if isinstance(message, Result) and message.accepted:
            self.say(message)

    with patch.object(Peer, "finish", twice):
        yield


@contextmanager
def record_dropped() -> Iterator[None]:
    """Pages of several records lack their second one."""

    def dropped(texts: list[bytes]) -> bytes:
        return paging.records_body([*texts[:1], *texts[2:]])

    with patch.object(asking, "records_body", dropped):
        yield


@contextmanager
def place_forgotten() -> Iterator[None]:
    """Whoever goes on with a subscription begins again at the beginning."""
    receive = Session.receive

    def forgetful(self: Session, text: str | bytes) -> Any:
        action = receive(self, text)
        if isinstance(action, Start) and isinstance(action.request, Subscribe):
            return Start(msgspec.structs.replace(action.request, after=0))
        return action

    with patch.object(Session, "receive", forgetful):
        yield


@contextmanager
def proposals_forgotten() -> Iterator[None]:
    """What was admitted is not remembered, once its scope is not live any more."""
    with patch.object(FileJournal, "lacks", lambda self, scope, proposal_id: True):
        yield


BROKEN: Final[dict[str, Callable[[], AbstractContextManager[None]]]] = {
    "told twice": told_twice,
    "record dropped": record_dropped,
    "place forgotten": place_forgotten,
    "proposals forgotten": proposals_forgotten,
}
