"""What belongs together."""

from __future__ import annotations

import pytest

from atomic_store import parse_filter
from atomic_store.journal import StoredRecord
from filters import ADA, BOB, NOW, record
from inspector.model.correlation import Ties, cause, related, ties_of

OTHER = "0198c0de-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("metadata", "ties"),
    [
        (..., Ties(ADA)),
        ({}, Ties(ADA)),
        ({"correlation": "c-9"}, Ties(ADA, "c-9")),
        ({"correlation": "c-9", "causation": BOB, "by": 1}, Ties(ADA, "c-9", BOB)),
        ({"correlation": 9, "causation": ["x"]}, Ties(ADA)),
        (["correlation"], Ties(ADA)),
        ("correlation", Ties(ADA)),
    ],
)
def test_ties_are_in_metadata(metadata: object, ties: Ties) -> None:
    """Texts only; whatever else stands there ties nothing."""
    assert ties == ties_of(record({}, metadata=metadata))


def test_metadata_that_is_no_json_ties_nothing() -> None:
    """A store may hold what this library would not have written."""
    for metadata in (b"{", b"\xff", b"[" * 10_000, b'"' + b"x" * 2_000_000 + b'"'):
        odd = StoredRecord(1, "s", 1, ADA, "at", "Bid", b"{}", metadata=metadata)

        assert Ties(ADA) == ties_of(odd)


def test_the_filter_can_be_read() -> None:
    """By people, and by an index: it says which correlations to look for."""
    where = related(Ties(ADA, "c-9", BOB))

    assert (
        f'metadata.correlation = "c-9" or metadata.correlation = "{ADA}"'
        f' or metadata.causation = "{BOB}" or metadata.causation = "{ADA}"'
    ) == where
    assert frozenset({"c-9", ADA, BOB}) == parse_filter(where, now=NOW).bounds.correlations


@pytest.mark.parametrize(
    ("other", "is_related"),
    [
        (record({}, id=OTHER, scope="b", metadata={"correlation": "c-9"}), True),
        (record({}, id=OTHER, metadata={"causation": ADA}), True),
        (record({}, id=OTHER, metadata={"causation": BOB}), True),
        (record({}, id=OTHER, metadata={"correlation": ADA}), True),
        (record({}, id=ADA, metadata={"correlation": "c-9", "causation": BOB}), True),
        (record({}, id=OTHER, metadata={"correlation": BOB}), False),
        (record({}, id=OTHER, metadata={"correlation": "c-8", "causation": OTHER}), False),
        (record({}, id=OTHER), False),
    ],
)
def test_what_belongs_to_it(other: StoredRecord, is_related: bool) -> None:
    """The same correlation, the same cause, and what it has caused; in any scope."""
    where = related(Ties(ADA, "c-9", BOB))

    assert is_related == parse_filter(where, now=NOW).matches(other)


def test_ids_are_not_said_twice() -> None:
    """An affair may be called after the proposal that began it."""
    where = f'metadata.correlation = "{ADA}" or metadata.causation = "{ADA}"'

    assert where == related(Ties(ADA, ADA, None))


def test_what_no_filter_can_say_is_left_out() -> None:
    """A correlation that is too long, or no text."""
    where = f'metadata.correlation = "{ADA}" or metadata.causation = "{ADA}"'

    assert where == related(Ties(ADA, "x" * 5_000, "\ud800"))


def test_the_filter_is_never_too_long() -> None:
    """Ties that are each short enough to say may not all be, together."""
    parse_filter(related(Ties(ADA, "x" * 2_500, "y" * 2_500)), now=NOW)


def test_the_cause() -> None:
    """The proposal that brought it about, if it says which."""
    assert f'id = "{BOB}"' == cause(Ties(ADA, None, BOB))
    assert cause(Ties(ADA)) is None
