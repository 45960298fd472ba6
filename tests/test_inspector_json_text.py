"""Any value as JSON text."""

from __future__ import annotations

import dataclasses
import json
from collections import OrderedDict, UserDict, deque, namedtuple
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import documents
from inspector.model.json_text import json_text
from inspector.model.json_values import value_of


@attrs.frozen
class Bid:
    bidder: str
    cents: int


@dataclasses.dataclass
class Lot:
    best: Bid | None
    closed: bool


class Money(msgspec.Struct):
    cents: int


class Colour(Enum):
    RED = 1


class Level(IntEnum):
    HIGH = 3


Point = namedtuple("Point", "x y")


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class BrokenDict(UserDict[str, int]):
    def __iter__(self) -> Iterator[str]:
        yield from ()
        raise RuntimeError("no")

    def items(self) -> Any:
        raise RuntimeError("no")


@attrs.define(slots=True, init=False)
class Half:
    there: int
    missing: int


def half() -> Half:
    one = Half()
    one.there = 1
    return one


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Lot(Bid("ada", 5), False), {"best": {"bidder": "ada", "cents": 5}, "closed": False}),
        (Money(5), {"cents": 5}),
        (MappingProxyType({"a": (1, 2)}), {"a": [1, 2]}),
        (OrderedDict(a=deque([1])), {"a": [1]}),
        ({1: "a", Colour.RED: "b", (1, 2): "c"}, {"1": "a", "<Colour.RED: 1>": "b", "(1, 2)": "c"}),
        (Point(1, 2), {"x": 1, "y": 2}),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        (Colour.RED, "Colour.RED"),
        (Level.HIGH, "Level.HIGH"),
        (Bid, "class Bid"),
        (datetime(2026, 11, 23, tzinfo=UTC), "2026-11-23 00:00:00+00:00"),
        (Decimal("1.50"), "1.50"),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (b"\x00ab", "b'\\x00ab'"),
        (float("nan"), "nan"),
        ([float("inf")], ["inf"]),
        ("\ud800", "\ud800"),
        (range(3), [0, 1, 2]),
        (len, "<built-in function len>"),
        (half(), {"there": 1, "missing": "… not set"}),
        (Broken(), "… a Broken (… unreadable: RuntimeError)"),
        ([Broken], ["class Broken"]),
        (BrokenDict(), "… unreadable: RuntimeError"),
        ({}, {}),
        ([], []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values(value: object, expected: object) -> None:
    """What people make states of, and what they never should."""
    assert expected == json.loads(json_text(value))


@given(documents)
def test_json_is_itself(document: object) -> None:
    """A JSON value is written as it is."""
    assert document == json.loads(json_text(document))


@given(documents, st.integers(0, 60))
def test_it_is_always_whole(document: object, bytes_max: int) -> None:
    """However little may be written, it is JSON, and says that something is missing."""
    text = json_text({"all": [document, document]}, bytes_max=bytes_max)

    json.loads(text)
    assert len(text) < bytes_max + 600


def test_what_is_left_out_is_told() -> None:
    """With a word in its place, on each level that was open."""
    value = json.loads(json_text({"a": list(range(1_000)), "b": 1}, bytes_max=20))

    assert {"a": [0, 1, 2, 3, 4, 5, 6, "… left out"], "…": "… left out"} == value


def test_long_texts_are_cut() -> None:
    """A string, a key, or what something calls itself."""
    text = "x" * 1_000_000

    assert ["x" * 199 + "… (1,000,000 characters)"] == json.loads(json_text([text], bytes_max=200))
    assert len(json_text({text: 1}, bytes_max=200)) < 400
    assert len(json_text({(text,): 1})) < 1_100


def test_cycles_end() -> None:
    """A state that holds itself is no trap; one that holds another twice holds it twice."""
    loop: dict[str, object] = {}
    loop["me"] = [loop]
    twice = [1]

    assert {"me": ["… itself again"]} == json.loads(json_text(loop))
    assert [[1], [1]] == json.loads(json_text([twice, twice]))


def test_depth_is_no_limit() -> None:
    """10,000 levels of a state are written."""
    value: object = 7
    for _ in range(10_000):
        value = [value]
    back = value_of(json_text(value))
    for _ in range(10_000):
        (back,) = back

    assert 7 == back


def test_what_goes_on_for_ever_ends() -> None:
    """A mapping that makes up new ones whenever it is asked."""

    class Endless(UserDict[str, Any]):
        def items(self) -> Any:
            return iter([("more", Endless())])

    assert len(json_text(Endless(), bytes_max=1_000)) < 3_000


def test_very_large_integers() -> None:
    """More digits than Python prints are a word."""
    assert ["… a very large integer"] == json.loads(json_text([10**5_000]))
