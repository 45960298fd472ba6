"""The messages of the gateway: each comes back as it was, and each is in its list."""

from __future__ import annotations

import inspect
import json
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given

from atomic_store.gateway.protocol import client_messages, server_messages
from atomic_store.gateway.protocol.client_messages import (
    ALL,
    ENDLESS,
    OTHERS,
    REQUESTS,
    STEERINGS,
    ClientMessage,
    Hello,
    Propose,
    Query,
)
from atomic_store.gateway.protocol.codes import (
    FINAL_CLOSES,
    OUTCOME_OPEN,
    WORTH_TRYING_AGAIN,
    CloseCode,
    ErrorCode,
)
from atomic_store.gateway.protocol.server_messages import (
    KINDS,
    TERMINAL,
    Done,
    Error,
    Records,
    ServerMessage,
    Validate,
    WireRecord,
    error,
    wire_record,
)
from atomic_store.gateway.protocol.text import json_text, parse_client, parse_server, write
from atomic_store.journal import StoredRecord
from gateway_messages import plain, said_by_clients, said_by_the_gateway

ID = "0198c0de-0000-7000-8000-00000000000a"
AT = "2026-11-23T15:04:05.123456Z"


@given(said_by_clients())
def test_what_clients_say_comes_back(message: ClientMessage) -> None:
    """A client's message is read as it was written, and written again in the same bytes."""
    text = write(message)
    read = parse_client(text)

    assert message == read
    assert isinstance(read, ClientMessage)
    assert text == write(read)
    assert read == parse_client(text.decode())


@given(said_by_the_gateway())
def test_what_the_gateway_says_comes_back(message: ServerMessage) -> None:
    """A gateway's message is read as it was written, and written again in the same bytes."""
    text = write(message)
    read = parse_server(text)

    assert message == read
    assert read is not None
    assert text == write(read)
    assert read == parse_server(text.decode())


@given(said_by_clients())
def test_unknown_members_of_clients_are_ignored(message: ClientMessage) -> None:
    """What a later version adds does not change what is understood."""
    text = json.dumps(plain(message) | {"new in 1.7": {"a": [1, None]}})

    assert message == parse_client(text)


@given(said_by_the_gateway())
def test_unknown_members_of_the_gateway_are_ignored(message: ServerMessage) -> None:
    """A client of this version understands a gateway of a later one."""
    text = write(message)[:-1] + b',"new in 1.7":{"a":[1,null]}}'

    assert message == parse_server(text)


@given(said_by_clients() | said_by_the_gateway())
def test_a_message_is_one_line(message: ClientMessage | ServerMessage) -> None:
    """No message has a raw control character; each says its type, and first of all."""
    text = write(message)

    assert text.startswith(b'{"type":"')
    assert [] == [byte for byte in text if byte < 0x20]


def test_defaults_are_left_out() -> None:
    """What says nothing takes no bytes."""
    assert b'{"type":"hello"}' == write(Hello())
    assert b'{"type":"query","id":3}' == write(Query(id=3, order="asc"))
    assert b'{"type":"done","id":3}' == write(Done(id=3))
    assert b'{"type":"done","id":3,"next":null}' == write(Done(id=3, next=None))


def test_an_error_says_whether_to_try_again() -> None:
    """`error` knows which codes are worth it."""
    busy = error(ErrorCode.SCOPE_BUSY, "full", 7)

    assert b'{"type":"error","code":"scope_busy","message":"full","id":7,"retry":true}' == write(
        busy
    )
    assert b'{"type":"error","code":"forbidden","message":"no"}' == write(
        error(ErrorCode.FORBIDDEN, "no")
    )
    assert Error(code=ErrorCode.SCOPE_BUSY, message="full", id=7, retry=True) == busy


def test_a_record_goes_out_as_it_is_stored() -> None:
    """`data`, `metadata` and `meta` are the stored bytes, whatever their blanks and digits."""
    stored = StoredRecord(
        7, "lot 1", 2, ID, AT, "Bid", b'{ "cents": 1.50 }', 3, (1, 2), b'{"a":1e3}', b"null", "d1"
    )

    written = write(Records(id=1, records=[wire_record(stored)]))

    assert (
        '{"type":"records","id":1,"records":[{"position":7,"scope":"lot 1","sequence":2,'
        f'"id":"{ID}","at":"{AT}","type":"Bid","data":{{ "cents": 1.50 }},"v":3,"part":[1,2],'
        '"metadata":{"a":1e3},"meta":null,"proposed":"d1"}]}'
    ) == written.decode()


def test_a_record_has_no_empty_members() -> None:
    """Of a plain record only what it has is written."""
    stored = StoredRecord(1, "a", 1, ID, AT, "Bid", b"1")

    assert {"position", "scope", "sequence", "id", "at", "type", "data"} == json.loads(
        msgspec.json.encode(wire_record(stored))
    ).keys()


def test_a_record_may_lack_its_data() -> None:
    """A record that does not fit a message says how large it is."""
    record = WireRecord(1, "a", 1, ID, AT, "Bid", omitted_bytes=5_000_000)
    text = write(Records(id=1, records=[record]))

    assert b"data" not in text
    assert Records(id=1, records=[record]) == parse_server(text)


def test_for_is_called_so_on_the_wire() -> None:
    """`for_` is Python's spelling alone."""
    told = server_messages.RoundFor("lot/1", ID, "alice")
    event = client_messages.Event("Bid", 1)
    message = Validate(id=1, round="r", sequence=0, deadline_s=5.0, event=event, for_=told)

    assert {"scope": "lot/1", "proposal_id": ID, "principal": "alice"} == plain(message)["for"]


def test_json_values_go_into_messages_as_text() -> None:
    """`json_text` is written as it is."""
    message = server_messages.Result(
        id=1, accepted=False, outcome="rejected", meta=json_text({"rest": [1, None]})
    )

    assert {"rest": [1, None]} == plain(message)["meta"]


@pytest.mark.parametrize("module", [client_messages, server_messages], ids=lambda m: m.__name__)
def test_every_message_is_listed(module: ModuleType) -> None:
    """Each class with a `type` is in its module's list, once."""
    listed: list[type[Any]] = [*ALL.values()] if module is client_messages else [*KINDS]
    defined = {
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__
        and issubclass(kind, msgspec.Struct)
        and kind.__struct_config__.tag_field == "type"
        and kind not in (ClientMessage, ServerMessage)
    }

    assert defined == set(listed)
    assert len(listed) == len(set(listed))


def test_clients_say_requests_and_more() -> None:
    """Whatever names an id is a request or is about one; what goes on for ever is a request."""
    with_id = {kind for kind in ALL.values() if "id" in kind.__struct_fields__}

    assert with_id == {*REQUESTS, *STEERINGS}
    assert not with_id & set(OTHERS)
    assert set(ENDLESS) <= set(REQUESTS)


def test_types_are_called_as_the_protocol_does() -> None:
    """Each side's messages are those of docs/protocol.md."""
    assert [
        "hello", "ping", "pong", "propose", "validate_for", "query", "subscribe", "scopes",
        "stats", "store", "verify", "end_round", "decide", "withdraw", "need", "unsubscribe",
    ] == [*ALL]  # fmt: skip
    assert [
        "welcome", "ping", "pong", "past", "waiting", "validate", "result", "over", "records",
        "done", "caught_up", "reset", "scopes", "stats", "store", "verified", "error", "goodbye",
    ] == [kind.__struct_config__.tag for kind in KINDS]  # fmt: skip
    assert set(TERMINAL) < set(KINDS)


def test_codes_are_told_apart() -> None:
    """Where the outcome is open, or the scope was full, one may try again; closes are divided."""
    assert OUTCOME_OPEN - {ErrorCode.SUPERSEDED} <= WORTH_TRYING_AGAIN
    assert ErrorCode.PROPOSAL_CONFLICT not in OUTCOME_OPEN | WORTH_TRYING_AGAIN
    assert {1001, 4408, 4429, 4500, 4508} == set(CloseCode) - FINAL_CLOSES


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"type":1}', '{"type":"done"}', '{"type":"done","id":"1"}', "[" * 100_000,
     '{"type":"error","id":1,"code":"new","message":""}', '{"type":"done","id":\ud800}',
     b'{"type":"goodbye","reason":"\xff"}', '{"type":"done","id":1,"next":' + "1" * 5000 + "}",
     '{"type":"stats","id":1,"figures":{"a":' + "[" * 100_000],
    ids=lambda text: ascii(text[:40]),
)  # fmt: skip
def test_what_the_gateway_never_says_is_refused(text: str | bytes) -> None:
    """A text that is no message is a `ValueError` for the client, however odd."""
    with pytest.raises(ValueError, match=r"expected a message of the gateway, found "):
        parse_server(text)


def test_a_later_gateways_messages_are_passed_over() -> None:
    """A type that this version does not know is None, not an error."""
    assert None is parse_server('{"type":"weather","id":1,"sky":"blue"}')


def test_a_proposal_with_all_its_members() -> None:
    """Each member lands where it belongs."""
    text = (
        '{"type":"propose","id":1,"event":{"type":"Bid","data":null},"scope":"lot/1",'
        f'"proposal_id":"{ID}","known":17,"known_id":"k","decide":"self","metadata":{{"c":"9"}},'
        '"past":false,"state":true,"validation_timeout_s":2}'
    )

    assert (
        Propose(
            id=1, event=client_messages.Event("Bid", None), scope="lot/1", proposal_id=ID,
            known=17, known_id="k", decide="self", metadata={"c": "9"}, past=False, state=True,
            validation_timeout_s=2.0,
        )
        == parse_client(text)
    )  # fmt: skip
