"""What a store's files hold, and what a check of them has found, as lines."""

from __future__ import annotations

from typing import Final

from atomic_store.journal.stock import Stock
from atomic_store.journal.verify import Damage, Verification

from .facts import Fact, Item, SegmentFact, SegmentTitle, Title
from .words import counted, duration, size, when

WHAT_FOR: Final = "noted elsewhere, it proves later that nothing before it changed"
NOT_KNOWN: Final = "not known: what would tell is damaged"


def stock_items(stock: Stock, health: str, *, is_well: bool = True) -> list[Item]:
    """
    Say what the files hold.

    Args:
      stock: what was found.
      health: who writes it, in words.
      is_well: whether that is how it should be.
    """
    head = stock.head
    holds = f"{counted(head.position, 'record')} of {counted(stock.scopes, 'scope')}"
    last = [Fact("last at", when(stock.at), copied=stock.at)] if stock.at else []
    journal = sum(segment.bytes for segment in stock.segments)
    items: list[Item] = [
        Title("store"),
        _known("id", stock.store),
        _known("history", stock.history),
        _known("made", when(stock.created), stock.created),
        Fact("state", health, "" if is_well else "bad"),
        Fact("holds", holds),
        *last,
        None,
        Title("head"),
        Fact("position", f"{head.position:,}", "number", str(head.position)),
        *_commit(stock),
        None,
        Title(f"journal: {counted(len(stock.segments), 'segment')}, {size(journal)}"),
        SegmentTitle(),
        *map(SegmentFact, stock.segments),
        None,
        *_derived(stock),
    ]
    return items + _torn(stock)


def _known(label: str, value: str, copied: str = "") -> Fact:
    return Fact(label, value, copied=copied) if value else Fact(label, NOT_KNOWN, "dim")


def _commit(stock: Stock) -> list[Item]:
    commit = stock.head.commit
    if not commit:
        return [Fact("commit", NOT_KNOWN, "dim")]
    both = f"{stock.head.position} {commit}"
    return [Fact("commit", commit, "number", both), Fact("", WHAT_FOR, "dim")]


def _derived(stock: Stock) -> list[Item]:
    """What only saves time."""
    index, snapshots = stock.index, stock.snapshots
    reach = (
        f", up to position {stock.indexed:,}" if stock.indexed else "; nothing is covered by one"
    )
    return [
        Title("derived: safe to delete, made anew"),
        Fact("index", f"{counted(index.files, 'file')}, {size(index.bytes)}{reach}"),
        Fact("snapshots", f"{counted(snapshots.files, 'file')}, {size(snapshots.bytes)}"),
    ]


def _torn(stock: Stock) -> list[Item]:
    if not stock.torn:
        return []
    return [
        None,
        Title("cut off after a crash, and kept: nobody was told that it was stored", "warning"),
        *(Fact(size(torn.bytes), torn.name, copied=torn.name) for torn in stock.torn),
    ]


def verification_items(found: Verification, took_s: float, place: str) -> list[Item]:
    """
    Say what a check has found.

    Args:
      place: of the store: it is left out of the names of damaged files.
    """
    head = found.head
    looked = f"{size(found.bytes)} in {duration(took_s)}: {counted(found.records, 'record')}"
    if found.segments:
        # A gateway does not tell that.
        looked += f" of {counted(found.scopes, 'scope')} in {counted(found.segments, 'segment')}"
    count = len(found.damage)
    items: list[Item] = [
        Title(f"damaged in {counted(count, 'place')}", "bad")
        if count
        else Title("checked: not damaged", "good"),
        Fact("read", looked),
        Fact("up to", f"position {head.position:,}, commit {head.commit}", copied=head.commit),
        *(Fact("note", note, "warning") for note in found.notes),
    ]
    for damage in found.damage:
        items += damage_items(damage, place)
    return [*items, None]


def damage_items(damage: Damage, place: str) -> list[Item]:
    """Say where something is damaged, and how; each line of it copies all of it."""
    whole = str(damage)
    line = "" if damage.line is None else f", line {damage.line:,}"
    path = damage.path
    if path.startswith(f"{place}/"):
        path = path[len(place) + 1 :]
    return [
        None,
        Fact("damage", path, "bad", whole),
        Fact("at", f"offset {damage.offset:,}{line}", "number", whole),
        Fact("expected", damage.expected, "good", whole),
        Fact("found", damage.found, "bad", whole),
    ]
