"""Terms made from what is on the screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store import parse_filter
from atomic_store.filter import TEXT_BYTES_MAX
from atomic_store.filter.terms import Step
from filters import NOW, keys, record, scalars
from inspector.model.filter_terms import Scalar, narrowed, path_text, term_for, widened


@pytest.mark.parametrize(
    ("steps", "value", "term"),
    [
        (("bidder",), "ada", 'data.bidder = "ada"'),
        (("bids", 0, "cents"), 500, "data.bids[0].cents = 500"),
        (("odd key",), None, 'data["odd key"] = null'),
        (("a",), True, "data.a = true"),
        (("a",), 1.5, "data.a = 1.5"),
        ((), 'say "x"\n', 'data = "say \\"x\\"\\n"'),
        (("a",), "\ud800", None),
        (("\ud800",), 1, None),
        (("a",), "x" * TEXT_BYTES_MAX, None),
        (("a" * TEXT_BYTES_MAX,), 1, None),
        (("a",), float("inf"), None),
        pytest.param(("a",), 10**5_000, None, id="very large"),
    ],
)
def test_terms(steps: tuple[Step, ...], value: Scalar, term: str | None) -> None:
    """A value where it stands; what no filter can say, none does."""
    assert term == term_for("data", steps, value)


def test_fields_have_terms_too() -> None:
    """Of what a record itself is."""
    assert 'scope = "lot 1"' == term_for("scope", (), "lot 1")
    assert "sequence = 7" == term_for("sequence", (), 7)


@given(st.lists(keys, max_size=3), scalars)
def test_a_term_matches_where_it_comes_from(steps: list[str], value: Scalar) -> None:
    """The record with that value there."""
    document: object = value
    for step in reversed(steps):
        document = {step: document}
    term = term_for("meta", steps, value)

    assert term is not None
    assert parse_filter(term, now=NOW).matches(record({}, meta=document))


def test_paths_are_shown_also_where_no_filter_goes() -> None:
    """A key that is no text is written with question marks."""
    assert 'metadata["?"].a' == path_text("metadata", ("\ud800", "a"))
    assert "data" == path_text("data")


@pytest.mark.parametrize(
    ("where", "both"),
    [
        ("", "data.a = 1"),
        ("  ", "data.a = 1"),
        ("type = Bid", "(type = Bid) and data.a = 1"),
        ("type = Bid or type = Closed", "(type = Bid or type = Closed) and data.a = 1"),
        ("type = ", None),
        ("type = Bid)", None),
        ('"' + "x" * (TEXT_BYTES_MAX - 10) + '"', None),
    ],
)
def test_a_filter_is_narrowed(where: str, both: str | None) -> None:
    """Less matches, also where the filter says `or`; one that is none stays one's own affair."""
    assert both == narrowed(where, "data.a = 1")


def test_a_filter_is_widened() -> None:
    """More matches; an empty filter, which everything matches, gives way to the term."""
    assert "data.a = 1" == widened("", "data.a = 1")
    assert "type = Bid or data.a = 1" == widened("type = Bid", "data.a = 1")
    assert widened("type = ", "data.a = 1") is None
    assert widened('"' + "x" * (TEXT_BYTES_MAX - 10) + '"', "data.a = 1") is None
