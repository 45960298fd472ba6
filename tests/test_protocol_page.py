"""The pages on the protocol: every message on them is one, and is answered as they say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from jsonschema import Draft202012Validator

from atomic_store.gateway.protocol.asyncapi import ANSWERS, UNASKED
from atomic_store.gateway.protocol.client_messages import ALL, REQUESTS, ClientMessage
from atomic_store.gateway.protocol.codes import FINAL_CLOSES, CloseCode, ErrorCode
from atomic_store.gateway.protocol.rights import Right
from atomic_store.gateway.protocol.schema import CLIENT, GATEWAY, names_of
from atomic_store.gateway.protocol.text import parse_client, parse_server
from markdown_pages import ROOT, Block, blocks_of
from protocol_files import schema_document

PAGES = [ROOT / "docs" / "protocol.md", ROOT / "docs" / "writing-a-client.md"]
PROTOCOL = PAGES[0].read_text("utf-8")
TERMINAL = {"result", "done", "error"}


@attrs.frozen
class Said:
    """A message on a page."""

    block: Block
    by: str
    """`C` or `S`."""
    text: str

    @property
    def value(self) -> dict[str, Any]:
        """The message."""
        value: dict[str, Any] = json.loads(self.text)
        return value

    def __str__(self) -> str:
        return f"{self.block}: {self.by} {self.text[:60]}"


def said_in(block: Block) -> Iterator[Said]:
    """The messages of a block: each begins with who says it, and goes on in indented lines."""
    parts: list[list[str]] = []
    for line in block.source.splitlines():
        if line.startswith("   "):
            parts[-1].append(line.strip())
        else:
            parts.append([line])
    for first, *more in parts:
        yield Said(block, first[:2].strip(), "".join([first[2:], *more]))


def conversations(page: Path) -> list[list[Said]]:
    """A page's blocks of messages."""
    return [[*said_in(block)] for block in blocks_of(page) if block.language == "text"]


SAID = [said for page in PAGES for block in conversations(page) for said in block]


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that refuses members that it does not know: on a page they would be slips."""
    definitions = {
        name: one | ({"additionalProperties": False} if "properties" in one else {})
        for name, one in schema["$defs"].items()
    }
    return schema | {"$defs": definitions}


CLOSED = closed(schema_document())


@pytest.mark.parametrize("said", SAID, ids=str)
def test_each_message_is_one(said: Said) -> None:
    """It is valid, has no member but those that are specified, and is read by its other side."""
    side = {"C": "FromClient", "S": "FromGateway"}[said.by]
    Draft202012Validator({"$ref": f"#/$defs/{side}", "$defs": CLOSED["$defs"]}).validate(said.value)

    if said.by == "C":
        assert isinstance(parse_client(said.text), ClientMessage)
    else:
        assert parse_server(said.text) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_json_stands_in_conversations(page: Path) -> None:
    """No block has JSON that the tests above would not see."""
    assert [] == [str(block) for block in blocks_of(page) if block.language in {"json", "jsonl"}]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_conversations_keep_the_rules(page: Path) -> None:
    """Ids grow; each request ends once, with what may end it; answers are those of its type."""
    answers = {
        kind.__struct_config__.tag: {one.__struct_config__.tag for one in kinds}
        for kind, kinds in ANSWERS.items()
    }
    requests = {kind.__struct_config__.tag for kind in REQUESTS}
    asked: dict[int, str] = {}
    ended: set[int] = set()
    for said in (one for block in conversations(page) for one in block):
        type_, id_ = str(said.value["type"]), int(said.value.get("id", 0))
        is_final = said.value.get("final", True)
        if type_ == "hello":
            asked, ended = {}, set()
        elif said.by == "C" and type_ in requests:
            assert id_ > max(asked, default=0), said
            asked[id_] = type_
        elif said.by == "C" and id_:
            assert id_ in asked, said
        elif id_:
            assert type_ in answers[asked[id_]], said
            assert id_ not in ended or not is_final, said
            ended |= {id_} if type_ in TERMINAL and is_final else set()

    assert {id_ for id_, kind in asked.items() if id_ not in ended} <= {2}, "2 goes on"


def test_every_message_has_an_example() -> None:
    """There is one for each type of message, of both sides; `pong` of a client need not be sent."""
    shown = {f"{CLIENT if said.by == 'C' else GATEWAY}.{said.value['type']}" for said in SAID}

    assert {"client.pong"} == {*names_of(CLIENT), *names_of(GATEWAY)} - shown
    assert {one.__struct_config__.tag for one in UNASKED} <= {said.value["type"] for said in SAID}


def test_every_member_of_a_client_has_an_example() -> None:
    """What a client may say is shown at least once, but for what stands in the tables alone."""
    shown = {(said.value["type"], name) for said in SAID if said.by == "C" for name in said.value}
    there = {(tag, name) for tag, kind in ALL.items() for name in kind.__struct_fields__}

    assert {
        ("query", "at"), ("query", "after"), ("query", "all"), ("query", "after_sequence"),
        ("query", "before_sequence"), ("subscribe", "prefix"), ("validate_for", "past"),
        ("validate_for", "state"),
    } == there - shown  # fmt: skip


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_code_is_explained(code: ErrorCode) -> None:
    """It has a line in the table."""
    assert f"\n| `{code}` |" in PROTOCOL


def test_when_to_stop_is_told_twice_alike() -> None:
    """The codes after which a client stops are those of the table of all codes."""
    stops = ", ".join(str(int(code)) for code in CloseCode if code in FINAL_CLOSES)

    assert f"| {stops} | stops" in PROTOCOL


def test_every_right_is_explained() -> None:
    """It has a line in the table."""
    assert [] == [right for right in Right if f"\n| `{right}` |" not in PROTOCOL]


def test_a_slip_is_found() -> None:
    """A member that is spelled wrong, or a message of the other side, is refused."""
    check = Draft202012Validator({"$ref": "#/$defs/FromClient", "$defs": CLOSED["$defs"]})

    assert check.is_valid({"type": "query", "id": 1, "scope": "a"})
    assert not check.is_valid({"type": "query", "id": 1, "scpoe": "a"})
    assert not check.is_valid({"type": "welcome", "id": 1})
