"""What strangers send: the right code each time, and never an exception."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store import jsonvalue
from atomic_store.gateway.protocol.client_messages import (
    ALL,
    REQUESTS,
    ClientMessage,
    Ping,
    Query,
    Subscribe,
)
from atomic_store.gateway.protocol.codes import ErrorCode
from atomic_store.gateway.protocol.server_messages import error
from atomic_store.gateway.protocol.text import NotAnObject, Refused, parse_client, write
from gateway_messages import nearly_messages, plain, said_by_clients

CORPUS = Path(__file__).resolve().parent / "corpus" / "gateway"
"""Hostile texts, each in a folder that is named by what becomes of it."""

PROPOSE = '{"type":"propose","id":1,"event":{"type":"Bid","data":%s}}'


def outcome_of(text: str | bytes) -> str:
    """What becomes of a text: `taken`, an error code, or `4400`, with which a connection ends."""
    parsed = parse_client(text)
    if isinstance(parsed, NotAnObject):
        assert_fit_to_be_said(parsed.message)
        return "4400"
    if isinstance(parsed, Refused):
        assert_fit_to_be_said(parsed.message)
        assert (parsed.type or "").encode() is not None
        answer = json.loads(write(error(parsed.code, parsed.message, parsed.id)))
        assert parsed.message == answer["message"]
        return str(parsed.code)
    assert isinstance(parsed, ClientMessage)
    return "taken"


def assert_fit_to_be_said(message: str) -> None:
    """A message can be sent, logged and read."""
    assert message.encode()
    assert message.isprintable()
    assert len(message) < 700


@pytest.mark.parametrize(
    "path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_the_corpus(path: Path) -> None:
    """Each hostile text has the outcome that its folder is named by, as bytes and as text."""
    content = path.read_bytes()

    assert path.parent.name == outcome_of(content)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return
    assert path.parent.name == outcome_of(text)


def test_the_corpus_is_there() -> None:
    """Every outcome that a text alone can have is among its folders."""
    folders = {path.name for path in CORPUS.iterdir()}

    assert {"4400", "bad_message", "unknown_type", "invalid_event", "taken"} == folders
    assert 40 <= len([*CORPUS.glob("*/*")])


@given(st.binary() | st.text())
def test_noise_is_never_an_exception(text: bytes | str) -> None:
    """Whatever the bytes, they are refused, in words that can be sent back."""
    assert outcome_of(text) in {"4400", "bad_message", "unknown_type"}


@given(said_by_clients(), st.data())
def test_torn_messages_are_never_an_exception(message: ClientMessage, data: st.DataObject) -> None:
    """A message with bytes cut out, put in or changed is taken or refused."""
    text = bytearray(write(message))
    start = data.draw(st.integers(0, len(text)))
    text[start : start + data.draw(st.integers(0, 3))] = data.draw(
        st.binary(max_size=3) | st.sampled_from([b"NaN", b"1e999", b'"', b"[", b"\\ud800", b"}"])
    )

    assert outcome_of(bytes(text))


@given(nearly_messages())
def test_wrong_members_are_never_an_exception(value: dict[str, Any]) -> None:
    """An object that is nearly a message is taken, or refused as one of its type."""
    parsed = parse_client(json.dumps(value))

    assert isinstance(parsed, ClientMessage | Refused)
    if isinstance(parsed, Refused):
        assert ErrorCode.BAD_MESSAGE is parsed.code
        assert value["type"] == parsed.type
        given_id = value.get("id")
        assert (given_id if type(given_id) is int else None) == parsed.id


FITS: dict[str, tuple[type, ...]] = {
    "id": (int,), "known": (int,), "rounds": (int,), "limit": (int,), "query.after": (int,),
    "subscribe.after": (int,), "before": (int,), "after_sequence": (int,),
    "before_sequence": (int,), "accept": (bool,), "past": (bool,), "state": (bool,),
    "all": (bool,), "watch": (bool,), "metadata": (dict,), "validation_timeout_s": (int, float),
    "every_s": (int, float), "event": (), "events": (), "order": (), "decide": (),
    "meta": (bool, int, float, str, list, dict),
}  # fmt: skip
"""Which values a member may have; those that are not here are text."""


@pytest.mark.parametrize("kind", ALL.values(), ids=ALL.keys())
def test_each_member_has_its_types(kind: type[ClientMessage]) -> None:
    """No text is taken for a number, no 1 for true, no object for a list: `bad_message`."""
    tag = str(kind.__struct_config__.tag)
    whole = WHOLE[tag]
    assert "taken" == outcome_of(json.dumps(whole))

    for name in kind.__struct_fields__:
        fits = FITS.get(f"{tag}.{name}", FITS.get(name, (str,)))
        for value in (True, 1, 1.5, "1", [1], {"a": 1}):
            expected = "taken" if type(value) in fits else "bad_message"
            assert expected == outcome_of(json.dumps(whole | {name: value})), (name, value)


WHOLE: dict[str, dict[str, Any]] = {
    name: {
        "type": name,
        "id": 1,
        "event": {"type": "Bid", "data": 1},
        "round": "r",
        "prefix": "",
        "known": 0,
        "scope": "a",
    }
    for name in ALL
}
"""A message of each type, with members of others, too: those are ignored."""


@pytest.mark.parametrize("kind", ALL.values(), ids=ALL.keys())
def test_what_must_be_there_must_be_there(kind: type[ClientMessage]) -> None:
    """Without one of the members that have no default: `bad_message`, which names it."""
    whole = WHOLE[str(kind.__struct_config__.tag)]
    for name in kind.__struct_fields__[: -len(kind.__struct_defaults__) or None]:
        parsed = parse_client(json.dumps({k: v for k, v in whole.items() if k != name}))

        assert isinstance(parsed, Refused)
        assert ErrorCode.BAD_MESSAGE is parsed.code
        assert f"missing required field `{name}`" in parsed.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0), ("-1", -1), ("-0", 0), ("9007199254740991", 2**53 - 1),
        ("9007199254740992", 2**53), ("1" * 100, int("1" * 100)),
    ],
)  # fmt: skip
def test_any_int_is_an_id(text: str, expected: int) -> None:
    """Whether an id is in its range is for the connection to say: another one ends it."""
    assert Query(id=expected) == parse_client(f'{{"type":"query","id":{text}}}')


@pytest.mark.parametrize("text", ["true", "1.0", "1e0", '"1"', "null", "[1]", "1.5", "-1.0"])
def test_other_values_are_no_ids(text: str) -> None:
    """What is no int is `bad_message`, and is not sent back as an id."""
    parsed = parse_client(f'{{"type":"query","id":{text}}}')

    assert isinstance(parsed, Refused)
    assert (ErrorCode.BAD_MESSAGE, None, "query") == (parsed.code, parsed.id, parsed.type)


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_refusal_names_its_request(kind: type[ClientMessage]) -> None:
    """The id and the type of a bad message are known, so that its request can be ended."""
    name = str(kind.__struct_config__.tag)
    parsed = parse_client(json.dumps(WHOLE[name] | {"id": 77, "x": [1.5]}).replace("1.5", "1e999"))

    assert isinstance(parsed, Refused)
    assert (77, name) == (parsed.id, parsed.type)


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("known", -1, "Expected `int` >= 0 - at `$.known`"),
        ("known", 2**53, "Expected `int` <= 9007199254740991 - at `$.known`"),
        ("limit", 0, "Expected `int` >= 1 - at `$.limit`"),
        ("rounds", 0, "Expected `int` >= 1 - at `$.rounds`"),
        ("every_s", 0, "Expected `float` > 0.0 - at `$.every_s`"),
        ("validation_timeout_s", -1.5, "Expected `float` > 0.0 - at `$.validation_timeout_s`"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_numbers_that_cannot_be_meant(member: str, value: float, message: str) -> None:
    """A count below 0, a position that JavaScript could not tell, no time at all: `bad_message`."""
    kinds = [name for name, kind in ALL.items() if member in kind.__struct_fields__]
    for name in kinds:
        parsed = parse_client(json.dumps(WHOLE[name] | {member: value}))

        assert isinstance(parsed, Refused)
        assert f"{name}: {message}" == parsed.message


def test_longer_than_a_float_can_say() -> None:
    """An int that no float can hold is no number of seconds."""
    assert "bad_message" == outcome_of(f'{{"type":"stats","id":1,"every_s":1{"0" * 400}}}')


def test_a_position_or_the_end() -> None:
    """`after` of `subscribe` is a position or `"end"`, and no other text."""
    assert Subscribe(id=1, after="end") == parse_client('{"type":"subscribe","id":1,"after":"end"}')
    assert "bad_message" == outcome_of('{"type":"subscribe","id":1,"after":"End"}')
    assert "bad_message" == outcome_of('{"type":"subscribe","id":1,"after":-1}')


def test_a_long_word_is_not_sent_back() -> None:
    """An error quotes what was sent, but not all of it; where it stood is said to the end."""
    parsed = parse_client(json.dumps({"type": "query", "id": 1, "order": "x\x1b" * 100_000}))

    assert isinstance(parsed, Refused)
    assert parsed.message.startswith("query: Invalid enum value 'x\\x1bx")
    assert parsed.message.endswith(" - at `$.order`")
    assert len(parsed.message) < 200


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("[" * 100_000, "4400"),
        ("[" * 100_000 + "]" * 100_000, "4400"),
        ('{"a":' * 100_000, "4400"),
        ("[" * 90 + "]" * 90, "taken"),
        ("[" * 101 + "]" * 101, "invalid_event"),
        ("NaN", "4400"),
        ("1e999", "invalid_event"),
        ("1" * 4_000, "taken"),
        ("1" * 5_000, "invalid_event"),
        ('{"a":1,"a":1}', "invalid_event"),
        ('"\\ud800"', "invalid_event"),
        ('"\\u0000\\u001b\u2028"', "taken"),
        ('"' + "x" * 10_000_000 + '"', "taken"),
        ("[" + "1," * 1_000_000 + "1]", "taken"),
    ],
    ids=lambda value: ascii(value[:20]),
)
def test_what_an_event_may_hold(data: str, expected: str) -> None:
    """An event is a JSON value that the store keeps; the rest is `invalid_event`, or no JSON."""
    assert expected == outcome_of(PROPOSE % data)


@pytest.mark.parametrize("levels", range(900, 1100, 7))
@pytest.mark.parametrize("member", ["type", "id", "x"])
def test_no_depth_is_an_exception(member: str, levels: int) -> None:
    """At whatever level reading or showing a value gives up, the text is refused."""
    text = f'{{"type":"ping","{member}":{"[" * levels}{"]" * levels}}}'

    assert outcome_of(text) in {"bad_message", "4400"}


def test_bytes_that_are_not_utf_8() -> None:
    """They are no text, wherever in it they stand, and whatever else may be read out of them."""
    assert "4400" == outcome_of(b'{"type":"ping","x":"\xff"}')
    assert "4400" == outcome_of(b'{"type":"\xff"}')
    assert "4400" == outcome_of('{"type":"ping"}'.encode("utf-16"))
    assert "4400" == outcome_of(b'\xef\xbb\xbf{"type":"ping"}')


def test_blanks_are_no_matter() -> None:
    """Ten megabytes of blanks are JSON; how large a text may be is said elsewhere."""
    assert Ping() == parse_client(" " * 10_000_000 + '{ "type" : "ping" }\n')


@given(said_by_clients())
def test_the_order_of_members_is_no_matter(message: ClientMessage) -> None:
    """`type` need not come first."""
    value = plain(message)

    assert message == parse_client(json.dumps(dict(reversed(value.items()))))


def test_what_is_refused_is_refused_by_one_rule() -> None:
    """A text that is taken is a JSON value to the store as well."""
    for path in CORPUS.glob("taken/*"):
        jsonvalue.decode_strict(path.read_bytes())
