"""What is remembered of the user."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.habits import (
    DOCUMENT_BYTES_MAX,
    FILTERS_MAX,
    PLACES_MAX,
    Habits,
    Place,
    SavedFilter,
    parse,
)

AT = "2026-11-23T15:04:05.123456Z"
texts = st.text(st.characters(exclude_categories=()), min_size=1, max_size=20)


def document(**members: object) -> bytes:
    """A document of the right format with these members."""
    return json.dumps({"format": 1, **members}).encode()


def test_places_are_remembered_once() -> None:
    """The last one is first; the one that was longest ago is forgotten when there are many."""
    habits = Habits().with_place("a", "1").with_place("b", "2").with_place("a", "3")
    assert (Place("a", "3"), Place("b", "2")) == habits.places
    assert (Place("b", "2"),) == habits.without_place("a").places

    for number in range(PLACES_MAX):
        habits = habits.with_place(f"new {number}", AT)
    assert PLACES_MAX == len(habits.places)
    assert "new 0" == habits.places[-1].place


def test_odd_places_are_not_remembered() -> None:
    """What would not be read again."""
    assert Habits() == Habits().with_place("", AT).with_place("x" * 5_000, AT)


def test_filters_have_names() -> None:
    """In the order of names; a second one of a name takes the place of the first."""
    habits = Habits().with_filter("b", "x").with_filter(" A ", "y").with_filter("b", "z")
    assert (SavedFilter("A", "y"), SavedFilter("b", "z")) == habits.filters
    assert (SavedFilter("A", "y"),) == habits.without_filter("b").filters


@pytest.mark.parametrize(
    ("name", "where", "words"),
    [
        ("", "x", "a name of 1 to 100 characters, found 0"),
        ("  ", "x", "a name of 1 to 100 characters, found 0"),
        ("n" * 101, "x", "a name of 1 to 100 characters, found 101"),
        ("n", " ", "a filter of 1 to 4096 bytes, found 1"),
        ("n", "é" * 2_049, "a filter of 1 to 4096 bytes, found 4098"),
    ],
)
def test_odd_filters_are_refused(name: str, where: str, words: str) -> None:
    """With a sentence that says why."""
    with pytest.raises(ValueError, match=words):
        Habits().with_filter(name, where)


def test_there_is_an_end_to_filters() -> None:
    """One that is there may change; one more is refused."""
    habits = Habits()
    for number in range(FILTERS_MAX):
        habits = habits.with_filter(f"{number}", "x")

    assert FILTERS_MAX == len(habits.with_filter("7", "y").filters)
    with pytest.raises(ValueError, match="at most 100 saved filters"):
        habits.with_filter("more", "x")


@given(
    st.lists(st.tuples(texts, texts), max_size=5),
    st.dictionaries(
        texts.filter(lambda name: bool(name.strip())),
        texts.filter(lambda where: bool(where.strip())),
        max_size=5,
    ),
)
def test_a_document_is_read_as_it_was(
    places: list[tuple[str, str]], filters: dict[str, str]
) -> None:
    """Whatever the paths and names are, also bytes that are no text."""
    habits = Habits()
    for place, at in places:
        habits = habits.with_place(place, at)
    for name, where in filters.items():
        habits = habits.with_filter(name, where)

    assert (habits, None) == parse(habits.document())


@pytest.mark.parametrize(
    ("garbage", "words"),
    [
        (b"{", "expected JSON"),
        (b"\xff\xfe", "expected JSON"),
        (b"[" * 100_000, "expected JSON"),
        (b"[]", "an object of format 1"),
        (b'{"format":2}', "an object of format 1"),
        (b" " * DOCUMENT_BYTES_MAX + b"{}", "at most 1,048,576 bytes"),
    ],
)
def test_garbage_gives_nothing_and_says_so(garbage: bytes, words: str) -> None:
    """A spoiled file never keeps anybody from starting."""
    habits, complaint = parse(garbage)

    assert Habits() == habits
    assert complaint is not None
    assert words in complaint


def test_nothing_is_nothing() -> None:
    """An empty file, or one that says nothing, is no mistake."""
    assert (Habits(), None) == parse(b"")
    assert (Habits(), None) == parse(b"\n")
    assert (Habits(), None) == parse(document())


@pytest.mark.parametrize(
    "odd",
    [None, 7, "a", {}, {"place": 7, "at": AT}, {"place": "a"}, {"place": "", "at": AT},
     {"place": "good", "at": "2"}],
)  # fmt: skip
def test_what_is_good_is_kept(odd: object) -> None:
    """An entry that is wrong, or there before, costs itself alone."""
    habits, complaint = parse(document(places=[{"place": "good", "at": "1"}, odd]))

    assert (Place("good", "1"),) == habits.places
    assert "habits: 1 entry left out" == complaint


def test_too_many_are_cut() -> None:
    """Somebody wrote it by hand."""
    filters = [{"name": f"{number:03}", "where": "x"} for number in range(FILTERS_MAX + 2)]
    places = [{"place": f"{number}", "at": AT} for number in range(PLACES_MAX + 1)]
    habits, complaint = parse(document(filters=[*filters, {"name": " x"}], places=places))

    assert (PLACES_MAX, FILTERS_MAX) == (len(habits.places), len(habits.filters))
    assert "000" == habits.filters[0].name
    assert "habits: 4 entries left out" == complaint
    assert (Habits(), "habits: 1 entry left out") == parse(document(places={}))


@given(st.binary(max_size=50))
def test_no_bytes_break_it(data: bytes) -> None:
    """Whatever a file holds."""
    assert isinstance(parse(data)[0], Habits)
