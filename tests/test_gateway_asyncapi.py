"""The AsyncAPI document: whole, and the same as the classes and codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft7Validator, Draft202012Validator

from atomic_store.gateway.protocol.asyncapi import ANSWERS, UNASKED
from atomic_store.gateway.protocol.client_messages import OTHERS, REQUESTS
from atomic_store.gateway.protocol.codes import (
    FINAL_CLOSES,
    OUTCOME_OPEN,
    SUBPROTOCOL,
    WORTH_TRYING_AGAIN,
    CloseCode,
    ErrorCode,
)
from atomic_store.gateway.protocol.schema import CLIENT, GATEWAY, names_of
from atomic_store.gateway.protocol.server_messages import KINDS, TERMINAL
from protocol_files import asyncapi_document

DOCUMENT = asyncapi_document()


def references(value: Any) -> Iterator[str]:
    """All references in a document."""
    if isinstance(value, dict):
        if isinstance(found := value.get("$ref"), str):
            yield found
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def resolved(reference: str) -> Any:
    """What a reference refers to."""
    value: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        value = value[step]
    return value


def test_references_lead_somewhere() -> None:
    """Each reference names a part of the document itself."""
    found = set(references(DOCUMENT))

    assert len(found) > 60
    assert [] == [reference for reference in found if not resolved(reference)]


def test_schemas_are_of_any_dialect() -> None:
    """AsyncAPI reads schemas as draft 07, other programs as 2020-12: they mean the same in both."""
    for name, schema in DOCUMENT["components"]["schemas"].items():
        Draft7Validator.check_schema(schema)
        Draft202012Validator.check_schema(schema)
        assert "prefixItems" not in str(schema), name


def test_part_of_a_record_is_a_pair() -> None:
    """Two integers, to readers of old dialects as well."""
    part = DOCUMENT["components"]["schemas"]["WireRecord"]["properties"]["part"]

    for dialect in (Draft7Validator, Draft202012Validator):
        assert dialect(part).is_valid([1, 2])
        assert dialect(part).is_valid(None)
        assert not any(map(dialect(part).is_valid, ([1], [1, 2, 3], ["1", "2"], [], 1)))


def test_each_message_is_said_by_somebody() -> None:
    """A client's message is received, a gateway's is an answer or said of its own accord."""
    operations = DOCUMENT["operations"]
    received = [name for name, one in operations.items() if one["action"] == "receive"]
    replied = {kind for answers in ANSWERS.values() for kind in answers}

    assert names_of(CLIENT) == received
    assert set(KINDS) == replied | set(UNASKED)
    assert {*names_of(CLIENT), *names_of(GATEWAY)} == DOCUMENT["components"]["messages"].keys()
    assert (
        DOCUMENT["channels"]["gateway"]["messages"].keys()
        == DOCUMENT["components"]["messages"].keys()
    )


def test_each_request_has_an_end() -> None:
    """What carries an id is answered by a terminal message, at last; nothing else is."""
    ended = {kind for kind, answers in ANSWERS.items() if answers[-1] in TERMINAL}

    assert set(REQUESTS) == ended
    assert ANSWERS.keys() - ended <= set(OTHERS)


def test_codes_are_told() -> None:
    """All errors and closes, with what a client does about them, and a sentence each."""
    errors, closes = DOCUMENT["x-error-codes"], DOCUMENT["x-close-codes"]

    assert [str(code) for code in ErrorCode] == [*errors]
    assert WORTH_TRYING_AGAIN == {code for code in ErrorCode if errors[code]["retry"]}
    assert OUTCOME_OPEN == {code for code in ErrorCode if errors[code]["outcomeOpen"]}
    assert [str(int(code)) for code in CloseCode] == [*closes]
    assert FINAL_CLOSES == {code for code in CloseCode if not closes[str(int(code))]["reconnect"]}
    assert all(one["description"].endswith(".") for one in [*errors.values(), *closes.values()])


def test_a_token_may_come_three_ways() -> None:
    """In a header, as a subprotocol, or in `hello`; the subprotocol's name is told."""
    schemes = DOCUMENT["components"]["securitySchemes"]

    assert ["header", "subprotocol", "hello"] == [*schemes]
    assert all(len(server["security"]) == len(schemes) for server in DOCUMENT["servers"].values())
    assert SUBPROTOCOL in str(DOCUMENT["channels"]["gateway"]["bindings"]["ws"])
