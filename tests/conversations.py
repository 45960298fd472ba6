"""A client's conversation without a network: what a gateway would say, and what it would hear."""

from __future__ import annotations

from typing import Any, TypeVar

import attrs
import msgspec

from atomic_store.events import event_types
from atomic_store.gateway.client.calls import (
    Asking,
    Following,
    Happening,
    Offering,
    Opened,
    Proposing,
    Watching,
)
from atomic_store.gateway.client.conversation import Conversation
from atomic_store.gateway.client.pasts import Pasts, View
from atomic_store.gateway.client.wire import DeliveredTypes
from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol import server_messages as said
from atomic_store.gateway.protocol import text
from atomic_store.journal.record import EncodedEvent

M = TypeVar("M", bound=asked.ClientMessage)

LIMITS = said.LimitsShown(
    message_bytes=1024**2, event_bytes=256 * 1024, page_records=500, open_requests=64, rounds=64
)


def welcome(**changes: Any) -> said.Welcome:
    """What a gateway says at first."""
    members: dict[str, Any] = {
        "store": "history-1", "position": 0, "principal": "ada", "rights": {"read": [""]},
        "heartbeat_s": 20.0, "limits": LIMITS, "protocol": 1, "features": [],
    }  # fmt: skip
    return said.Welcome(**members | changes)


def wire(position: int, scope: str = "lot", sequence: int | None = None, **changes: Any) -> Any:
    """A record on the wire; its proposal's id tells its position."""
    members: dict[str, Any] = {
        "position": position,
        "scope": scope,
        "sequence": position if sequence is None else sequence,
        "id": proposal_id(position),
        "at": "2026-11-23T15:04:05.123456Z",
        "type": "Bid",
        "data": msgspec.Raw(b'{"cents":%d}' % position),
    }
    return said.WireRecord(**members | changes)


def proposal_id(number: int) -> str:
    """An id that is easy to read."""
    return f"00000000-0000-7000-8000-{number:012d}"


def plain_types() -> DeliveredTypes:
    """Event types of a client without event classes."""
    return DeliveredTypes(event_types(None))


@attrs.define(eq=False)
class Table:
    """A conversation, and the gateway's chair opposite."""

    conversation: Conversation = attrs.field(
        factory=lambda: Conversation(asked.Hello(token="t"), plain_types(), Pasts(1024**2))
    )

    def connect(self, **changes: Any) -> list[asked.ClientMessage]:
        """Connect, be welcomed, and hear what is asked then."""
        self.conversation.connected()
        assert [asked.Hello(token="t")] == self.heard()
        return self.say(welcome(**changes))

    def say(self, *messages: said.ServerMessage) -> list[asked.ClientMessage]:
        """Say something, and hear what comes back."""
        for message in messages:
            self.conversation.hear(text.write(message))
        return self.heard()

    def heard(self) -> list[asked.ClientMessage]:
        """All that the client has said since."""
        found: list[asked.ClientMessage] = []
        while (written := self.conversation.next_text()) is not None:
            parsed = text.parse_client(written)
            assert isinstance(parsed, asked.ClientMessage), parsed
            found.append(parsed)
        return found

    def happened(self) -> list[Happening]:
        """All that happened to calls since."""
        return list(self.conversation.happenings())

    def propose(self, *, decides: bool = True, is_held: bool = False, **changes: Any) -> Proposing:
        """Propose a bid."""
        number = self.conversation.new_number()
        call = Proposing(
            changes.get("scope", "lot"), EncodedEvent("Bid", 1, b'{"cents":1}'),
            changes.get("proposal_id", proposal_id(1000 + number)), changes.get("metadata"), None,
            decides, is_held, number=number,
        )  # fmt: skip
        self.conversation.start(call)
        return call

    def offer(self, rounds: int = 2) -> Offering:
        """Offer to decide."""
        call = Offering("", rounds, number=self.conversation.new_number())
        self.conversation.start(call)
        return call

    def follow(self, after: Any = 0, bytes_max: int = 1024**2, **changes: Any) -> Following:
        """Subscribe."""
        call = Following(
            changes.get("scope"), changes.get("prefix"), changes.get("where"), after,
            changes.get("history"), bytes_max, number=self.conversation.new_number(),
        )  # fmt: skip
        self.conversation.start(call)
        return call


def only(messages: list[asked.ClientMessage], kind: type[M]) -> M:
    """The one message that was heard, of this kind."""
    assert [kind] == [type(message) for message in messages], messages
    message: Any = messages[0]
    return message  # type: ignore[no-any-return]  # its type was compared


def validate(
    id_: int, round_: str, sequence: int, whose: said.RoundFor | None = None
) -> said.Validate:
    """A round opens."""
    event = asked.Event("Bid", {"cents": 1})
    return said.Validate(
        id=id_, round=round_, sequence=sequence, deadline_s=5.0, event=event, for_=whose
    )


def accepted(id_: int, *records: said.WireRecord, duplicate: bool = False) -> said.Result:
    """A proposal was accepted."""
    return said.Result(
        id=id_, accepted=True, outcome="accepted", records=list(records), duplicate=duplicate
    )


def ask(table: Table) -> Asking:
    """Ask for figures."""
    number = table.conversation.new_number()
    call = Asking(lambda id_: asked.Stats(id=id_), said.StatsShown, number=number)
    table.conversation.start(call)
    return call


def past(id_: int, after: int, through: int, round_: str | None = None) -> said.Past:
    """A page of the lot's past."""
    records = [wire(n) for n in range(after + 1, through + 1)]
    return said.Past(id=id_, after=after, records=records, through=through, round=round_)


def sequences(view: View) -> list[int]:
    """What a view shows."""
    return [record.sequence for record in view.past.records[: view.count]]


def opened(table: Table) -> Opened:
    """The one round that has opened."""
    (happening,) = table.happened()
    assert isinstance(happening, Opened)
    return happening


def decide(round_: str, **members: Any) -> asked.Decide:
    """A decision; it accepts unless told otherwise."""
    said_so: dict[str, Any] = {"id": 0, "round": round_, "accept": True} | members
    return asked.Decide(**said_so)


def watch(table: Table) -> Watching:
    """Watch scopes."""
    call = Watching("", number=table.conversation.new_number())
    table.conversation.start(call)
    return call
