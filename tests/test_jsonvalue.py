"""The JSON domain: what is written, what is read, and what is refused with its path."""

from __future__ import annotations

import json
import math
import re
import sys
from collections import OrderedDict, defaultdict
from decimal import Decimal
from enum import IntEnum, StrEnum
from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store import jsonvalue
from atomic_store.errors import InvalidEvent

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**30, max_value=10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class Number(IntEnum):
    ONE = 1


class Word(StrEnum):
    A = "a"


def nested(levels: int) -> Any:
    """Give a list in a list in a list."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def cycle() -> list[Any]:
    """Give a list that holds itself twice, so that its tree doubles at each level."""
    value: list[Any] = []
    value.extend((value, value))
    return value


def doubled(levels: int) -> Any:
    """Give a value without a cycle whose text is 2**levels values long."""
    value: Any = 1
    for _ in range(levels):
        value = [value, value]
    return value


def short(value: object) -> str:
    """Name a parameter: some of them are too long to print."""
    return ascii(value[:30]) if isinstance(value, str | bytes) else type(value).__name__


def typed(value: Any) -> Any:
    """Put the type of each value beside it, because True == 1 == 1.0."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return type(value), value


@given(VALUES)
def test_values_come_back_the_same(value: Any) -> None:
    """Each JSON value comes back with the same types, from both readers, in order of its keys."""
    data = jsonvalue.encode(value)

    assert typed(value) == typed(jsonvalue.decode(data))
    assert typed(value) == typed(jsonvalue.decode_strict(data))
    assert typed(value) == typed(jsonvalue.decode_strict(data.decode()))


@given(VALUES)
def test_text_is_one_line_of_json(value: Any) -> None:
    """The text is JSON to others, too, and holds neither a newline nor another control."""
    data = jsonvalue.encode(value)

    assert typed(value) == typed(json.loads(data))
    assert not re.search(rb"[\x00-\x1f]", data)


def test_text_is_raw_utf_8() -> None:
    """Only quotes, backslashes and controls are escaped."""
    data = jsonvalue.encode({"ß": 'é\u2028\U0001f600/"\\\n\x01'})

    assert '{"ß":"é\u2028\U0001f600/\\"\\\\\\n\\u0001"}' == data.decode()


def test_tuples_come_back_as_lists() -> None:
    """A tuple is one way to write an array."""
    assert [1, [2]] == jsonvalue.decode(jsonvalue.encode((1, (2,))))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (math.nan, "$: expected a finite number, found nan"),
        ({"bids": [1, 2, 3, {"amount": -math.inf}]}, "$.bids[3].amount: expected a finite number"),
        ({"a b": {1: 2}}, '$["a b"]: expected keys of type str, found int 1'),
        ({"a": {Word.A: 2}}, "$.a: expected keys of type str, found Word <Word.A: 'a'>"),
        ([b"x"], "float, str, list, tuple or dict), found bytes b'x'"),
        ({"x": {1}}, "$.x: expected a JSON value"),
        (Number.ONE, "$: expected a JSON value"),
        ([Word.A], "$[0]: expected a JSON value"),
        (Decimal(1), "$: expected a JSON value"),
        (defaultdict(int), "$: expected a JSON value"),
        (OrderedDict(a=1), "$: expected a JSON value"),
        (10**4000, "$: expected an int of at most 4000 digits, found a longer one"),
        (-(10**5000), "$: expected an int of at most 4000 digits, found a longer one"),
        ({"x": ["\ud800"]}, "$.x[0]: expected valid Unicode, found a lone surrogate at 0 of str"),
        ({"\udfff": 1}, "$: in a key, expected valid Unicode, found a lone surrogate"),
        (nested(101), ": expected at most 100 levels of nesting, found more (or a cycle)"),
        (nested(100_000), ": expected at most 100 levels of nesting"),
        (cycle(), ": expected at most 100 levels of nesting"),
    ],
    ids=short,
)  # fmt: skip
def test_other_values_are_refused(value: object, message: str) -> None:
    """What is no JSON value is refused with its path, and with what was expected and found."""
    with pytest.raises(InvalidEvent, match=re.escape(message)) as caught:
        jsonvalue.encode(value)

    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "value",
    [10**4000 - 1, -(10**4000) + 1, nested(100), sys.float_info.max, 5e-324, -0.0, ""],
    ids=short,
)
def test_limits_are_within(value: object) -> None:
    """The largest and smallest values pass, exactly."""
    assert repr(value) == repr(jsonvalue.decode_strict(jsonvalue.encode(value)))


def test_root_names_the_value() -> None:
    """Paths begin with the name that was given."""
    with pytest.raises(InvalidEvent, match=r"^Bid\.cents: "):
        jsonvalue.encode({"cents": math.nan}, root="Bid")


def test_length_is_limited() -> None:
    """A text may have exactly as many bytes as were allowed."""
    assert b'"xxxx"' == jsonvalue.encode("xxxx", bytes_max=6)
    with pytest.raises(InvalidEvent, match=r"expected at most 5 bytes of JSON text, found 6"):
        jsonvalue.encode("xxxx", bytes_max=5)


def test_hopeless_lengths_are_not_written() -> None:
    """A value whose text would never fit into memory is refused before it is written."""
    with pytest.raises(InvalidEvent, match=r"expected at most 1000 bytes of JSON text"):
        jsonvalue.encode(doubled(90), bytes_max=1000)


def test_lowered_limit_for_integers() -> None:
    """An integer that this process was told not to print is refused, with its path."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(1000)
    try:
        with pytest.raises(InvalidEvent, match=r"^\$\.n: expected an int that this process can"):
            jsonvalue.encode({"n": 10**1500})
    finally:
        sys.set_int_max_str_digits(before)


@pytest.mark.parametrize("data", [b"", b"{", b"nul", b"\xff", b"NaN", b"[" * 100_000], ids=short)
def test_text_that_is_not_json_is_refused(data: bytes) -> None:
    """Both readers refuse what is not JSON with `InvalidEvent`."""
    with pytest.raises(InvalidEvent):
        jsonvalue.decode(data)
    with pytest.raises(InvalidEvent):
        jsonvalue.decode_strict(data)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"a":1,"b":2,"a":1}]', "$: expected each key once in an object, found 'a' twice"),
        ("[NaN]", "$: expected a finite number, found NaN"),
        ("-Infinity", "$: expected a finite number, found -Infinity"),
        ("1e999", "$: expected a number that a float can hold, found '1e999'"),
        ("1" * 4001, "$: expected an int of at most 4000 digits, found one of 4001"),
        ("-" + "1" * 4001, "$: expected an int of at most 4000 digits, found one of 4001"),
        ('{"a":"\\ud800"}', "$.a: expected valid Unicode, found a lone surrogate"),
        ("[" * 101 + "]" * 101, "expected at most 100 levels of nesting"),
        ("[" * 100_000, "$: expected at most 100 levels of nesting"),
        ("\ufeff1", "$: expected JSON text"),
        (b"\xef\xbb\xbf1", "$: expected JSON text"),
        ("1".encode("utf-16"), "$: expected JSON text"),
        ("01", "$: expected JSON text"),
        ('"\n"', "$: expected JSON text"),
        ("1 2", "$: expected JSON text"),
    ],
    ids=short,
)  # fmt: skip
def test_foreign_text_is_read_strictly(text: str | bytes, message: str) -> None:
    """Text from outside is refused for whatever two readers could understand differently."""
    with pytest.raises(InvalidEvent, match=re.escape(message)) as caught:
        jsonvalue.decode_strict(text)

    assert len(str(caught.value)) < 500


@given(VALUES)
def test_text_may_be_written_in_other_ways(value: Any) -> None:
    """Blanks, escapes and other forms of numbers change nothing of what is read."""
    data = json.dumps(value, indent=1)

    assert typed(value) == typed(jsonvalue.decode_strict(data))
    assert typed(value) == typed(jsonvalue.decode_strict(data.encode()))


def test_integers_at_the_limit_are_read() -> None:
    """A sign does not count as a digit."""
    assert -(10**4000 - 1) == jsonvalue.decode_strict("-" + "9" * 4000)


@given(VALUES)
def test_canonical_text_is_the_same_value(value: Any) -> None:
    """The canonical text holds the same value, and is its own canonical text."""
    canonical = jsonvalue.canonical(jsonvalue.encode(value))

    assert typed(value) == typed(jsonvalue.decode(canonical))
    assert canonical == jsonvalue.canonical(canonical)


def test_canonical_text_has_sorted_keys() -> None:
    """Keys are sorted by code point at all levels; blanks and other spellings are gone."""
    text = '{ "b": [{"\\u00e9":1, "z":2}], "\U0001f600":1.00, "\uffff":-0 }'

    expected = '{"b":[{"z":2,"é":1}],"\uffff":0,"\U0001f600":1.0}'
    assert expected == jsonvalue.canonical(text.encode()).decode()


def test_int_and_float_are_two_values() -> None:
    """``1`` and ``1.0`` differ; ``1.0`` and ``1.00`` do not."""
    assert jsonvalue.digest("Bid", b"1") != jsonvalue.digest("Bid", b"1.0")
    assert jsonvalue.digest("Bid", b"1.00") == jsonvalue.digest("Bid", b"1.0")


def test_digest_is_over_name_and_canonical_data() -> None:
    """The digest is BLAKE2b-128 over the type's name, a NUL and the canonical data."""
    expected = blake2b(b'B\xc3\xafd\0{"a":1,"b":2}', digest_size=16).hexdigest()

    assert expected == jsonvalue.digest("Bïd", b'{"b": 2, "a": 1}')
    assert expected != jsonvalue.digest("Bïd", b'{"b": 2, "a": 2}')


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_errors_survive_what_cannot_be_printed() -> None:
    """A value whose own repr fails is named by its type."""
    with pytest.raises(InvalidEvent, match=r"found Unprintable \(it cannot be printed\)"):
        jsonvalue.encode(Unprintable())
