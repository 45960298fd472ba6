"""Where somebody wants to go, as text."""

from __future__ import annotations

import pytest

from inspector.model.jumps import ToPosition, ToSequence, ToTime, parse_jump


@pytest.mark.parametrize(
    ("text", "jump"),
    [
        ("12", ToPosition(12)), (" 1,234,567 ", ToPosition(1_234_567)), ("0", ToPosition(1)),
        ("#12", ToSequence(12)), ("# 1_000", ToSequence(1000)),
        ("2026-11-23", ToTime("2026-11-23")), ("-2h", ToTime("-2h")), ("- 1.5 d", ToTime("-1.5d")),
        ("2026-11-23T15:04:05.1Z", ToTime("2026-11-23T15:04:05.1Z")),
        ("9" * 5000, ToPosition(int("9" * 20))),
    ],
)  # fmt: skip
def test_places(text: str, jump: object) -> None:
    """Numbers are positions, with # they are sequences, and times are as in filters."""
    assert jump == parse_jump(text, is_one_scope=True)


@pytest.mark.parametrize("text", ["", "  ", "lot", "1.5", "[/x]", "#", "#x", "\x1b[31m", "-h"])
def test_no_place(text: str) -> None:
    """Anything else is refused, with what was expected, and shown safely."""
    with pytest.raises(ValueError, match="expected a position like 1234") as refused:
        parse_jump(text, is_one_scope=True)
    assert "\x1b" not in str(refused.value)


def test_sequences_belong_to_scopes() -> None:
    """Where there is more than one scope, a sequence is no place."""
    with pytest.raises(ValueError, match="sequences belong to one scope"):
        parse_jump("#12", is_one_scope=False)
