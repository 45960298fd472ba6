"""Where somebody wants to go in a list of events: text in, place out."""

from __future__ import annotations

import re
from typing import Final, TypeAlias, final

import attrs

from .texts import visible

_NUMBER: Final = re.compile(r"[0-9][0-9,_ ]*")
_SEQUENCE: Final = re.compile(r"#\s*([0-9][0-9,_ ]*)")
_TIME: Final = re.compile(r"-\s*[0-9.]+\s*[a-zA-Z]+|[0-9]{4}-[0-9]{2}.*")
_SHOWN_CELLS: Final = 60

HINT: Final = "1234 a position · #12 a sequence · 2026-11-23T15:04 or -2h a time"


@final
@attrs.frozen
class ToPosition:
    """To the record at a position."""

    position: int


@final
@attrs.frozen
class ToSequence:
    """To a scope's record with a sequence."""

    sequence: int


@final
@attrs.frozen
class ToTime:
    """To the first record of a time, or later."""

    at: str


Jump: TypeAlias = ToPosition | ToSequence | ToTime


def parse_jump(text: str, *, is_one_scope: bool) -> Jump:
    """
    Read where somebody wants to go.

    Args:
      text: a position (``1234``), a sequence (``#12``), a time as filters have it
        (``2026-11-23``, ``2026-11-23T15:04:05Z``, ``-2h``). Numbers may have commas.
      is_one_scope: the list is of one scope, so that a sequence says where.

    Raises:
      ValueError: it is none of these; the message says what was expected.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text) and not _TIME.fullmatch(text):
        return ToPosition(_number(text))
    if (match := _SEQUENCE.fullmatch(text)) is not None:
        if not is_one_scope:
            raise ValueError("expected a position or a time, for sequences belong to one scope")
        return ToSequence(_number(match[1]))
    if _TIME.fullmatch(text):
        return ToTime(re.sub(r"^-\s*([0-9.]+)\s*", r"-\1", text))
    raise ValueError(
        "expected a position like 1234, a sequence like #12 or a time like 2026-11-23T15:04 or "
        f"-2h, found {visible(text, _SHOWN_CELLS) or 'nothing'}"
    )


def _number(text: str) -> int:
    number = int(re.sub(r"[,_ ]", "", text)[:20])
    return max(1, number)
