"""The JSON Schema of the protocol: it takes what the gateway takes, and what it says."""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Iterator
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from atomic_store import jsonvalue
from atomic_store.errors import InvalidEvent
from atomic_store.gateway.protocol import client_messages, server_messages
from atomic_store.gateway.protocol.client_messages import ClientMessage
from atomic_store.gateway.protocol.schema import CLIENT, GATEWAY, docstrings, json_schema, names_of
from atomic_store.gateway.protocol.server_messages import ServerMessage
from atomic_store.gateway.protocol.text import parse_client
from gateway_messages import nearly_messages, plain, said_by_clients, said_by_the_gateway
from protocol_files import ROOT, STATIC, files, schema_document

SCHEMA = schema_document()
CORPUS = ROOT / "tests" / "corpus" / "gateway"


def validator_of(name: str) -> Draft202012Validator:
    """What checks values against one definition."""
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]})


VALIDATORS = {name: validator_of(name) for name in SCHEMA["$defs"]}


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_made_files_are_up_to_date(path: Path) -> None:
    """What is shipped, and the tables of the page, are what `nox -s schemas` would write."""
    assert files()[path] == path.read_text("utf-8")


@pytest.mark.parametrize("name", ["schema", "asyncapi"])
def test_schemas_are_shipped(name: str) -> None:
    """They lie in the package, where an installed program finds them."""
    shipped = resources("atomic_store.gateway") / "static" / f"atomic-store.v1.{name}.json"

    assert (STATIC / f"atomic-store.v1.{name}.json").read_text("utf-8") == shipped.read_text(
        "utf-8"
    )


def test_the_schema_is_one() -> None:
    """It is valid by its dialect's own schema, and so are all definitions."""
    Draft202012Validator.check_schema(SCHEMA)

    assert Draft202012Validator.META_SCHEMA["$id"] == SCHEMA["$schema"]


def test_every_message_has_a_definition() -> None:
    """There is one for each message of each side, and each side's lists them all."""
    for side, definition in ((CLIENT, "FromClient"), (GATEWAY, "FromGateway")):
        listed = [
            one["$ref"].removeprefix("#/$defs/") for one in SCHEMA["$defs"][definition]["oneOf"]
        ]

        assert names_of(side) == listed
        assert set(listed) <= SCHEMA["$defs"].keys()


def test_every_member_is_described() -> None:
    """No member of a message, or of a value in one, is without a word of what it is."""
    silent = [
        f"{name}.{member}"
        for name, definition in SCHEMA["$defs"].items()
        for member, schema in definition.get("properties", {}).items()
        if "const" not in schema and not schema.get("description", "").endswith(".")
    ]

    assert [] == silent


def test_members_are_open() -> None:
    """No definition refuses a member that it does not know."""
    definitions = SCHEMA["$defs"].items()

    assert [] == [name for name, one in definitions if one.get("additionalProperties") is False]


@given(said_by_clients())
def test_all_that_clients_say_is_valid(message: ClientMessage) -> None:
    """Whatever a client's message holds, its schema takes it, and so does its side's."""
    value = plain(message)

    VALIDATORS[f"client.{value['type']}"].validate(value)
    VALIDATORS["FromClient"].validate(value)


@given(said_by_the_gateway())
def test_all_that_the_gateway_says_is_valid(message: ServerMessage) -> None:
    """Whatever a gateway's message holds, its schema takes it, and so does its side's."""
    value = plain(message)

    VALIDATORS[f"gateway.{value['type']}"].validate(value)
    VALIDATORS["FromGateway"].validate(value)


@given(nearly_messages())
def test_schema_and_parser_agree(value: dict[str, Any]) -> None:
    """What the parser refuses for its types the schema refuses, and nothing else."""
    # An id out of range ends the connection, and is not the parser's to refuse.
    ranged = value | {"id": 1} if type(value.get("id")) is int else value

    takes = isinstance(parse_client(json.dumps(value)), ClientMessage)

    assert takes == VALIDATORS[f"client.{value['type']}"].is_valid(ranged)
    assert takes == VALIDATORS["FromClient"].is_valid(ranged)


@pytest.mark.parametrize("id_", [0, -1, 2**53, True, 1.5, "1", None])
def test_other_ids_are_refused(id_: float | str | None) -> None:
    """An id is an integer from 1 to 2^53 - 1."""
    assert not VALIDATORS["client.query"].is_valid({"type": "query", "id": id_})
    assert not VALIDATORS["gateway.done"].is_valid({"type": "done", "id": id_})


def refused_for_its_types() -> Iterator[Path]:
    """The hostile texts that hold a JSON value, and are refused all the same."""
    for path in sorted(CORPUS.glob("*_*/*")):
        with contextlib.suppress(InvalidEvent):
            jsonvalue.decode_strict(path.read_bytes())
            # JSON Schema counts 1.0 among the integers.
            if path.name != "id-float.json":
                yield path


@pytest.mark.parametrize("path", [*refused_for_its_types()], ids=lambda path: path.name)
def test_the_schema_refuses_the_corpus(path: Path) -> None:
    """What is JSON to everybody, and refused for what it says, the schema refuses, too."""
    assert not VALIDATORS["FromClient"].is_valid(json.loads(path.read_bytes()))


def test_an_unknown_type_is_refused() -> None:
    """A type is one of those that are known, or the text is not of this version."""
    assert not VALIDATORS["FromClient"].is_valid({"type": "welcome"})
    assert not VALIDATORS["FromGateway"].is_valid({"type": "weather", "id": 1})
    assert not Draft202012Validator(SCHEMA).is_valid({"type": "weather", "id": 1})
    assert Draft202012Validator(SCHEMA).is_valid({"type": "ping"})


def test_docstrings_are_found() -> None:
    """Those behind attributes, of annotated and of plain ones, and no others."""
    source = """
class A:
    "Not this one."
    a: int
    "What a is."
    b = 1
    '''
    What
    b is.
    '''
    c: int

    def d(self):
        "Not this one."
"""

    assert {"A": {"a": "What a is.", "b": "What\nb is."}} == docstrings(source)


@pytest.mark.parametrize("module", [client_messages, server_messages], ids=lambda m: m.__name__)
def test_docstrings_stand_behind_members(module: Any) -> None:
    """Each docstring that is found is one of a member that is there."""
    for name, found in docstrings(inspect.getsource(module)).items():
        kind = getattr(module, name)
        assert issubclass(kind, msgspec.Struct)
        assert set(found) <= set(kind.__struct_fields__)


def test_the_source_is_all_it_needs() -> None:
    """Without docstrings there are schemas, only without descriptions of members."""
    bare = json_schema("", "")

    assert SCHEMA["$defs"].keys() == bare["$defs"].keys()
    assert "description" not in bare["$defs"]["client.propose"]["properties"]["scope"]
