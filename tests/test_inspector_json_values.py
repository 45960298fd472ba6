"""JSON text as values, however deep."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import documents
from inspector.model import json_values
from inspector.model.json_values import NotJson, scalar_of, value_of

BAD = [
    "", " ", "{", "[", "]", "[}", "{]", '{"a"}', '{"a":}', '{"a":1,}', "[1,]", "[1 2]", "{1:2}",
    "[,1]", ",", ":", "1 2", "nul", "NaN", "Infinity", "01", "1.", "+1", "'a'", '"a', '"\n"',
    '"\\x"', "{} x", "[1]]", "\ufeff1", '{"a":1 "b":2}', "{,}", "[:]", '{"a"::1}', "--1", "tru",
]  # fmt: skip


@given(documents, st.sampled_from([None, 2]))
def test_values_are_read(document: object, indent: int | None) -> None:
    """What JSON says, with blanks or without, is read the quick way and the slow way alike."""
    data = json.dumps(document, indent=indent).encode()

    assert document == value_of(data)
    assert document == json_values._Reader().read(data)


@pytest.mark.parametrize("text", BAD)
def test_no_json_is_refused(text: str) -> None:
    """Also where only the slow way has come to see it."""
    with pytest.raises(NotJson):
        value_of(text.encode())


@given(st.text('{}[]",:1 a\\', max_size=12))
def test_both_ways_agree(text: str) -> None:
    """The slow way takes nothing for JSON that the standard library does not."""
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(NotJson):
            json_values._Reader().read(text.encode())
    else:
        assert expected == json_values._Reader().read(text.encode())


def test_depth_is_no_limit() -> None:
    """10,000 levels of objects and arrays, all of them there."""
    value = value_of(b'{"a":[' * 5_000 + b"7" + b"]}" * 5_000)
    for _ in range(5_000):
        value = value["a"][0]

    assert 7 == value


def test_lone_surrogates_are_let_through() -> None:
    """They are no text, but they can be looked at."""
    assert {"\ud800": "\udfff"} == value_of(rb'{"\ud800":"\udfff"}')
    assert "\ud800" == scalar_of(rb'"\ud800"')


def test_the_slow_way_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits seconds for a text that is deep and very long."""
    monkeypatch.setattr(json_values, "SLOW_BYTES_MAX", 10_000)

    with pytest.raises(NotJson, match="too long"):
        value_of(b"[" * 10_000 + b"]" * 10_000)


@pytest.mark.parametrize("literal", ["1" * 5_000, "x", ""])
def test_odd_scalars_are_refused(literal: str) -> None:
    """Among them integers with more digits than can be read."""
    with pytest.raises(NotJson):
        scalar_of(literal.encode())
