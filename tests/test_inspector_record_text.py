"""One record as text."""

from __future__ import annotations

import json
import time

import pytest

from event_desks import bid
from inspector.model.record_text import (
    LAID_OUT_BYTES_MAX,
    compared_text,
    envelope_text,
    escaped,
    laid_out,
    line_text,
)


def test_the_line() -> None:
    """It is the journal's line, without checksums."""
    record = bid(3, b'{"a":1}', metadata=b'{"b":2}', part=(1, 2), version=2)

    assert {
        "position": 30, "scope": "lot/42", "sequence": 3, "id": record.id, "at": record.at,
        "type": "Bid", "v": 2, "part": [1, 2], "data": {"a": 1}, "metadata": {"b": 2},
    } == json.loads(line_text(record))  # fmt: skip


def test_a_line_with_names_that_no_text_can_hold() -> None:
    """Lone surrogates in names become question marks."""
    record = bid(1, b"{}", scope="a\ud800", type="\udfffB")

    assert ("a?", "?B") == (
        json.loads(line_text(record))["scope"],
        json.loads(envelope_text(record))["type"],
    )


def test_laid_out() -> None:
    """Each member gets its line; words, numbers and doubled keys stay as they are."""
    assert b'{\n  "a": 1.50e3,\n  "a": [\n    null\n  ],\n  "c": {}\n}' == laid_out(
        b'{"a":1.50e3,"a":[null],"c":{}}'
    )


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff", b'{"a":"\\ud800"}', b"[" * 20_000 + b"]" * 20_000],
    ids=["nothing", "cut", "no text", "surrogate", "deep"],
)
def test_what_cannot_be_laid_out(text: bytes) -> None:
    """What is no JSON, or too deep, stays as it is."""
    assert text == laid_out(text)


def test_what_would_become_too_long() -> None:
    """A deep text that its indents would make a thousand times as long stays as it is."""
    one = b"[" * 900 + b"]" * 900
    text = b"[%b]" % b",".join([one] * 100)
    began = time.monotonic()

    assert LAID_OUT_BYTES_MAX > len(text)
    assert text == laid_out(text)
    assert time.monotonic() - began < 5


def test_escaped() -> None:
    """Nothing in it commands a terminal or hides, and it is the same JSON."""
    value = "a\x7f\x1b]52;c;x\x07\x00\x9b\u202e\u2028\U000e0001é漢"
    text = escaped('"' + value.translate({0: "\\u0000", 7: "\\u0007", 0x1B: "\\u001b"}) + '"')

    assert value == json.loads(text)
    assert text.isprintable()
    assert text.endswith('é漢"')
    assert "{\n}" == escaped(b"{\n}")
    assert "\ufffd" == escaped(b"\xff")


def test_what_is_compared() -> None:
    """Type, version and the three documents, and no place or time."""
    record = bid(3, b"[1]", metadata=b"{}", meta=b"2")

    assert {"type": "Bid", "version": 1, "data": [1], "metadata": {}, "meta": 2} == json.loads(
        compared_text(record)
    )
    assert compared_text(bid(3)) == compared_text(bid(3, position=9, scope="x", at="never"))


def test_the_envelope() -> None:
    """It has what the documents do not, and optional parts only where there are such."""
    plain = json.loads(envelope_text(bid(3)))
    full = json.loads(envelope_text(bid(3, part=(1, 2), proposed="ab")))

    assert ["type", "scope", "sequence", "position", "at", "id", "version"] == list(plain)
    assert {"part": [1, 2], "proposed": "ab"} == {
        name: value for name, value in full.items() if name not in plain
    }
