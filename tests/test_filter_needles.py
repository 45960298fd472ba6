"""What bytes a filter looks for in lines, so that most need not be parsed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store import jsonvalue, parse_filter
from atomic_store.filter.needles import Needles
from atomic_store.journal.line import record_body
from filters import NOW, numbers, record, words

NEEDLES: list[tuple[str, list[list[str]]]] = [
    ("", []),
    # fields
    ("type = Bid", [['"type":"Bid"']]),
    ("scope = lot-1", [['"scope":"lot-1"']]),
    ('scope = "a\\"\\\\\\n\\u0001é"', [['"scope":"a\\"\\\\\\n\\u0001é"']]),
    ("id = x", [['"id":"x"']]),
    ("type in (Bid, Closed, Bid)", [['"type":"Bid"', '"type":"Closed"']]),
    ("scope ^= lot", [['"scope":"lot']]),
    ("position = 7", [['"position":7,']]),
    ("position in (7.0, 8, 8.5)", [['"position":7,', '"position":8,']]),
    ("sequence = 3", [['"sequence":3,']]),
    ("position = 1e300", [[f'"position":{int(1e300)},']]),
    ("at = 2026-11-23T15:04Z", [['"at":"2026-11-23T15:04:00.000000Z"']]),
    ("at = 2026-11-23", [['"at":"2026-11-23T']]),
    ("at in (2026-11-23, 2026-11-24)", [['"at":"2026-11-23T', '"at":"2026-11-24T']]),
    *[(text, []) for text in ("type", "type != Bid", "type ~ bid", "type > B", "position > 7",
                              "position != 7", "position = 7.5", "at > -1h", "at != 2026-11-23")],
    # values in documents
    ("data.lot = lot-1", [['"lot":"lot-1"']]),
    ('data.item["a b"] = "é\\n"', [['"a b":"é\\n"']]),
    ("data.lot in (a, b)", [['"lot":"a"', '"lot":"b"']]),
    ("data.lot ^= lo", [['"lot":"lo']]),
    ('data.lot ^= ""', [['"lot":"']]),
    ("data.ok = true", [['"ok":true']]),
    ("data.ok in (false, null, x)", [['"ok":false', '"ok":null', '"ok":"x"']]),
    ("data.cents = 500", [['"cents":500']]),
    ("data.cents = -500.0", [['"cents":-500']]),
    ("data = x", [['"data":"x"']]),
    ("data = 5", [['"data":5']]),
    ("meta ^= x", [['"meta":"x']]),
    # where there are more ways to write it, or where not, the key
    ("data.cents = 0", [['"cents":']]),
    ("data.cents = 500.5", [['"cents":']]),
    ("data.cents = 1000000000000000", [['"cents":']]),
    ("data.cents in (500, 0)", [['"cents":']]),
    ("data.cents > 500", [['"cents":']]),
    ("data.a.b.cents != 500", [['"cents":']]),
    ("data.lot ~ x", [['"lot":']]),
    ("data.lot", [['"lot":']]),
    ("data.$type[0].*", [['"$type":']]),
    ("metadata", [['"metadata":']]),
    ("meta.*", [['"meta":']]),
    *[(text, []) for text in ("data", "data.*", "data[0] > 5", "data.* = 5", "data != 5")],
    # apart from the key
    ("data.tags.* = new", [['"tags":'], ['"new"']]),
    ("data.tags[0] in (a, true, null)", [['"tags":'], ['"a"', "true", "null"]]),
    ("data.* ^= ne", [['"ne']]),
    ("data.tags.* = 5", [['"tags":']]),
    ("data.tags.* in (-5, a)", [['"tags":']]),
    # anywhere
    ('"say \\"ada\\" é"', [['say \\"ada\\" é']]),
    ('""', []),
    # joins
    ("type = Bid and data.lot = a", [['"type":"Bid"'], ['"lot":"a"']]),
    ("data.lot = a and data.lot = a", [['"lot":"a"']]),
    ("type = Bid or data.lot", [['"type":"Bid"', '"lot":']]),
    ("type = Bid or type ~ bid", []),
    ("type = Bid or (data.lot and type = Closed)", [['"type":"Bid"', '"type":"Closed"']]),
    ("(type = Bid or type = Closed) data.lot", [['"type":"Bid"', '"type":"Closed"'], ['"lot":']]),
    ("not data.lot = a", []),
    ("not type = Bid and data.lot", [['"lot":']]),
    ("not type != Bid", [['"type":"Bid"']]),
    ("not (type != Bid or data.lot)", [['"type":"Bid"']]),
    ("not (type != Bid and type != Closed)", [['"type":"Bid"', '"type":"Closed"']]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "needles"), NEEDLES)
def test_needles(text: str, needles: list[list[str]]) -> None:
    """One of each clause must stand in the line of a record that matches."""
    expected = tuple(tuple(needle.encode() for needle in clause) for clause in needles)

    assert expected == needles_of(text)


def needles_of(text: str) -> Needles:
    """A filter's needles."""
    return parse_filter(text, now=NOW).needles


@given(numbers, st.sampled_from([int, float]))
def test_equal_numbers_are_found(number: int | float, kind: type[int] | type[float]) -> None:
    """Whichever of two equal numbers is stored, a filter for the other one finds its line."""
    if abs(number) < 2.0**1000 and kind(number) == number:
        stored = record({"n": number})
        filter_ = parse_filter(f"data.n = {kind(number)!r}", now=NOW)

        assert filter_.matches(stored)
        assert all(needle in record_body(stored) for (needle,) in filter_.needles)


@given(st.integers(1, 10**15 - 1), st.sampled_from([1, -1]))
def test_whole_floats_are_written_in_digits(number: int, sign: int) -> None:
    """What the needles of numbers rest on: up to 10**15, 500.0 is written as 500 and a bit."""
    assert jsonvalue.encode(float(number * sign)) == b"%d.0" % (number * sign)


@given(words, words)
def test_strings_are_written_alone(one: str, other: str) -> None:
    """What the needles of strings rest on: a part of a string is written as it is by itself."""
    assert jsonvalue.encode(one)[:-1] + jsonvalue.encode(other)[1:] == jsonvalue.encode(one + other)


def test_a_document_is_written_without_blanks() -> None:
    """What the needles of keys rest on: a key, a colon and its value stand close together."""
    line = record_body(record({"a": {"b": [True, None]}}, metadata={"c": "d"}, meta="e"))

    assert line.endswith(b'"meta":"e","data":{"a":{"b":[true,null]}},"metadata":{"c":"d"}')
