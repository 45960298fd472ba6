"""The filter language: a filter, or an error that says where; soon, whatever the text."""

from __future__ import annotations

import time
from typing import Final

from atomic_store import Filter, FilterError, parse_filter
from atomic_store.filter import TEXT_BYTES_MAX
from atomic_store.journal.line import record_body, with_crc
from filters import ADA, NOW, record

RECORDS: Final = tuple(
    record(data, position=position, sequence=position, metadata=metadata, meta=meta)
    for position, (data, metadata, meta) in enumerate(
        [
            (None, {"correlation": "c-1"}, "said"),
            ({"cents": 500, "bidder": "ada"}, {"causation": ADA}, 1),
            ({"a": {"b": [1, 2.5, {"a b": "é"}]}, "": True, "0": -0.0}, {}, None),
            ([["ADA", 10**30], {"cents": None}], {"$by": "ada"}, {"a": [0]}),
            ("ada", {}, []),
        ],
        1,
    )
)
LINES: Final = tuple(with_crc(record_body(one)) for one in RECORDS)
SECONDS_MAX: Final = 1.0
"""Of processor time, for all that is done with a filter here."""


def fuzz(data: bytes) -> None:
    """Read some bytes as a filter, and use it."""
    text = data.decode("utf-8", "surrogateescape")
    began = time.process_time()
    try:
        parsed = parse_filter(text, now=NOW)
    except FilterError as error:
        look_at_error(error, text)
    else:
        look_at(parsed)
    assert time.process_time() - began < SECONDS_MAX, "it takes long"


def look_at_error(error: FilterError, text: str) -> None:
    """An error names a place in the text, and can be shown."""
    assert 0 <= error.offset <= len(text)
    assert text.startswith(error.text)
    assert error.expected
    assert error.found
    shown = str(error)
    assert len(shown) < 1_000
    assert all(character.isprintable() or character == "\n" for character in shown)
    shown.encode()


def look_at(parsed: Filter) -> None:
    """A filter means the same when it is written and read again, and skips no match."""
    assert len(parsed.text.encode()) <= TEXT_BYTES_MAX
    again = parse_filter(parsed.text, now=NOW.replace(year=2020))
    assert (parsed.text, parsed.needles, parsed.bounds) == (
        again.text, again.needles, again.bounds,
    )  # fmt: skip
    for one, line in zip(RECORDS, LINES, strict=True):
        is_meant = parsed.matches(one)
        assert is_meant == again.matches(one)
        if is_meant:
            assert not parsed.bounds.matches_nothing
            assert all(
                any(needle in line for needle in clause) for clause in parsed.needles if clause
            )
