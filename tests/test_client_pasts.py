"""The pasts that a client holds."""

from __future__ import annotations

import pytest

from atomic_store import Record
from atomic_store.gateway.client.pasts import Past, Pasts, View, check_page
from atomic_store.gateway.client.wire import received
from conversations import plain_types, wire

TYPES = plain_types()


def page(*sequences: int, scope: str = "lot", offset: int = 0) -> list[Record[object]]:
    """Records of a scope."""
    return received([wire(n + offset, scope, n) for n in sequences], TYPES)


def positions(view: View) -> list[int]:
    """What a view shows."""
    return [record.position for record in view.past.records[: view.count]]


def test_views_share_what_they_have_seen_alike() -> None:
    """A page that follows is put behind the same list; who has seen less still sees less."""
    first = View().followed_by(page(1, 2))
    second = first.followed_by(page(3))

    assert first.past is second.past
    assert [1, 2] == positions(first)
    assert [1, 2, 3] == positions(second)


def test_the_same_page_twice_is_one() -> None:
    """What the list has already is not added to it."""
    first = View().followed_by(page(1, 2))
    longer = first.followed_by(page(3, 4))
    other = first.followed_by(page(3))
    longest = other.followed_by(page(4, 5))

    assert longer.past is longest.past
    assert [1, 2, 3] == positions(other)
    assert [1, 2, 3, 4, 5] == positions(longest)
    assert 5 == len(first.past.records)


def test_another_page_makes_another_list() -> None:
    """Where a page says something else than the list, nobody who holds the list sees it."""
    first = View().followed_by(page(1, 2))
    longer = first.followed_by(page(3))
    other = first.followed_by(page(3, offset=10))

    assert longer.past is not other.past
    assert [1, 2, 3] == positions(longer)
    assert [1, 2, 13] == positions(other)
    assert other.past.bytes == longer.past.bytes + 1


def test_what_was_put_is_held() -> None:
    """A past is there until another one takes its place, or all is dropped."""
    pasts = Pasts(10_000)
    view = View().followed_by(page(1, 2))
    pasts.put("lot", view.past)

    assert view == pasts.get("lot")
    assert (0, None) == (pasts.get("x").count, pasts.get("x").last_id)
    pasts.put("lot", Past())
    assert (0, 0) == (pasts.get("lot").count, pasts.bytes)
    pasts.put("lot", view.past)
    pasts.clear()
    assert (0, 0) == (pasts.get("lot").count, pasts.bytes)


def test_the_longest_unused_goes_first() -> None:
    """What is held stays below the limit; using a past keeps it."""
    pasts = Pasts(1_700)
    for scope in "abc":
        pasts.put(scope, View().followed_by(page(1, scope=scope)).past)
    pasts.get("a")
    pasts.put("d", View().followed_by(page(1, scope="d")).past)

    assert [1, 0, 1, 1] == [pasts.get(scope).count for scope in "abcd"]
    assert pasts.bytes <= 1_700


def test_a_past_that_has_grown_is_counted_anew() -> None:
    """The limit holds for what a past has become when it comes back."""
    pasts = Pasts(1_700)
    view = View().followed_by(page(1))
    pasts.put("lot", view.past)
    pasts.put("x", View().followed_by(page(1, scope="x")).past)
    before = pasts.bytes
    grown = view.followed_by(page(2))
    pasts.put("lot", grown.past)

    assert pasts.bytes == before + grown.past.bytes // 2
    assert 1 == pasts.get("x").count
    pasts.put("lot", grown.followed_by(page(3)).past)
    assert 0 == pasts.get("x").count


def test_one_that_is_too_large_is_not_held() -> None:
    """Not even alone may a past be larger than the limit."""
    pasts = Pasts(100)
    pasts.put("lot", View().followed_by(page(1)).past)

    assert (0, 0) == (pasts.get("lot").count, pasts.bytes)


@pytest.mark.parametrize(
    ("sequences", "after", "through"),
    [((1, 2), 0, 3), ((2, 3), 0, 3), ((1, 3), 0, 2), ((2, 1), 0, 2), ((1,), 0, 0), ((), 0, 1)],
)
def test_a_page_with_a_hole_is_refused(sequences: list[int], after: int, through: int) -> None:
    """A page is exactly what lies between two sequences, in order."""
    check_page(page(1, 2), "lot", 0, 2)
    check_page([], "lot", 4, 4)

    with pytest.raises(ValueError, match="expected the sequences"):
        check_page(page(*sequences), "lot", after, through)


def test_another_scopes_page_is_refused() -> None:
    """A page of a scope has that scope's records alone."""
    with pytest.raises(ValueError, match="found one of 'x'"):
        check_page(page(1, scope="x"), "lot", 0, 1)
