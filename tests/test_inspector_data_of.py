"""What a row says of an event's data."""

from __future__ import annotations

import pytest

from atomic_store.journal import StoredRecord
from inspector.model.rows import data_of


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b'{"lot":"lot/1","cents":5}', "cents=5"), (b'{"cents":5,"lot":"lot/1"}', "cents=5"),
        (b'{"lot":"lot/1"}', ""), (b'{"lot":"lot/12","n":1}', "lot=lot/12 n=1"),
        (b'{"note":"no lot/1"}', 'note="no lot/1"'),
        (b'{"a":"lot/1","b":"lot/1"}', "b=lot/1"),
    ],
)  # fmt: skip
def test_what_repeats_the_scope(data: bytes, shown: str) -> None:
    """A member that says what the scope's name says anyway makes room for others."""
    record = StoredRecord(1, "lot/1", 1, "", "", "Bid", data)
    assert shown == data_of(record, 40)


def test_scopes_that_are_no_pattern() -> None:
    """A scope's name is looked for as it is, whatever stands in it."""
    record = StoredRecord(1, "a.*[", 1, "", "", "Bid", b'{"lot":"a.*[","n":1,"o":"abc["}')
    assert 'n=1 o="abc["' == data_of(record, 40)
