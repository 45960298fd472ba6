"""What files hold, and what a check has found, as lines."""

from __future__ import annotations

import attrs

from atomic_store.journal import Head
from atomic_store.journal.stock import FileStock, FolderStock, SegmentStock, Stock
from atomic_store.journal.verify import Damage, Verification
from inspector.model.facts import Fact, Item, SegmentFact, SegmentTitle, Title, copied_of
from inspector.model.store_facts import NOT_KNOWN, stock_items, verification_items

AT = "2026-11-23T15:04:05.123456Z"
COMMIT = "5f1d8a3b60c94e7fa2b1c8d7e6f50493"
SEGMENT = SegmentStock("00000000000000000001.jsonl", 1_868, 5, AT, AT, "none")
STOCK = Stock(
    "store-id", "history-id", AT, Head(1_046, COMMIT), AT, 3, (SEGMENT,), 0,
    FolderStock(0, 0), FolderStock(2, 5_000),
)  # fmt: skip
SOUND = Verification(1_046, 2, 3, 412_903, Head(1_046, COMMIT), (), ())
DAMAGE = Damage("/s/journal/1.jsonl", 1_470, 12, "a line that ends in crc", "another one")


def facts(items: list[Item]) -> dict[str, Fact]:
    """The facts among some items, by label."""
    return {item.label: item for item in items if isinstance(item, Fact)}


def titles(items: list[Item]) -> list[str]:
    """What the titles say."""
    return [item.text for item in items if isinstance(item, Title)]


def test_a_store() -> None:
    """Who it is, where it ends, what it holds; each segment has a line of its own."""
    items = stock_items(STOCK, "closed cleanly")
    found = facts(items)

    assert ("store-id", "history-id") == (found["id"].value, found["history"].value)
    assert "2026-11-23 15:04:05.123456" == found["made"].value
    assert ("closed cleanly", "") == (found["state"].value, found["state"].look)
    assert "1,046 records of 3 scopes" == found["holds"].value
    assert "2026-11-23 15:04:05.123456" == found["last at"].value
    assert "1,046" == found["position"].value
    assert COMMIT == found["commit"].value
    assert "0 files, 0 B; nothing is covered by one" == found["index"].value
    assert "2 files, 5.0 kB" == found["snapshots"].value
    at = items.index(SegmentFact(SEGMENT))
    assert isinstance(items[at - 1], SegmentTitle)
    assert "journal: 1 segment, 1.9 kB" in titles(items)


def test_what_is_copied() -> None:
    """Numbers without commas; the commit value with its position: one says nothing alone."""
    found = facts(stock_items(STOCK, ""))

    assert "1046" == copied_of(found["position"])
    assert f"1046 {COMMIT}" == copied_of(found["commit"])
    assert AT == copied_of(found["made"])
    assert SEGMENT.name == copied_of(SegmentFact(SEGMENT))
    assert ["", "", ""] == [copied_of(one) for one in (Title("a"), SegmentTitle(), None)]


def test_an_empty_store() -> None:
    """No record, no time."""
    empty = attrs.evolve(STOCK, head=Head(0, COMMIT), at="", scopes=0)

    found = facts(stock_items(empty, ""))
    assert "0 records of 0 scopes" == found["holds"].value
    assert "last at" not in found


def test_what_damage_hides() -> None:
    """What cannot be read is said not to be known, and its state stands out."""
    hidden = attrs.evolve(STOCK, store="", history="", created="", head=Head(7, ""))
    found = facts(stock_items(hidden, "damaged", is_well=False))

    assert {NOT_KNOWN} == {found[name].value for name in ("id", "history", "made", "commit")}
    assert "bad" == found["state"].look


def test_what_was_cut_off() -> None:
    """Each file that keeps what a crash left is named, with its size."""
    torn = attrs.evolve(STOCK, torn=(FileStock(".torn-1.jsonl-412", 321),))
    items = stock_items(torn, "")

    assert ".torn-1.jsonl-412" == facts(items)["321 B"].value
    assert titles(items)[-1].startswith("cut off after a crash")
    assert not any("cut off" in title for title in titles(stock_items(STOCK, "")))


def test_how_far_index_files_reach() -> None:
    """Up to where they say where records lie."""
    indexed = attrs.evolve(STOCK, indexed=900, index=FolderStock(3, 10))

    assert "3 files, 10 B, up to position 900" == facts(stock_items(indexed, ""))["index"].value


def test_a_sound_store() -> None:
    """The verdict comes first, then what was read."""
    items = verification_items(SOUND, 1.25, "/s")
    found = facts(items)

    assert Title("checked: not damaged", "good") == items[0]
    assert "413 kB in 1.2 s: 1,046 records of 3 scopes in 2 segments" == found["read"].value
    assert f"position 1,046, commit {COMMIT}" == found["up to"].value


def test_a_damaged_store() -> None:
    """Where, with the path within the store, and what was expected and found."""
    found = attrs.evolve(SOUND, damage=(DAMAGE, DAMAGE), notes=("the end is torn",))
    items = verification_items(found, 1.0, "/s")
    places = facts(items)

    assert Title("damaged in 2 places", "bad") == items[0]
    assert "journal/1.jsonl" == places["damage"].value
    assert "offset 1,470, line 12" == places["at"].value
    assert DAMAGE.expected == places["expected"].value
    assert DAMAGE.found == places["found"].value
    assert "the end is torn" == places["note"].value
    assert {str(DAMAGE)} == {copied_of(places[n]) for n in ("damage", "at", "expected", "found")}


def test_damage_without_a_line_and_elsewhere() -> None:
    """A line is told where it is known; a path that is not below the store's is told whole."""
    damage = attrs.evolve(DAMAGE, line=None, path="/stores/1.jsonl")
    places = facts(verification_items(attrs.evolve(SOUND, damage=(damage,)), 1.0, "/s"))

    assert "offset 1,470" == places["at"].value
    assert "/stores/1.jsonl" == places["damage"].value


def test_what_a_gateway_does_not_tell() -> None:
    """Segments and scopes are left out where there are none."""
    told = attrs.evolve(SOUND, segments=0, scopes=0)

    read = facts(verification_items(told, 0.5, "ws://here"))["read"].value
    assert "413 kB in 500 ms: 1,046 records" == read
