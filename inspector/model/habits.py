"""
What the inspector remembers of its user: the last stores, and filters that were given names.

A small JSON document. Whatever is wrong in it costs the part that is wrong, never more: the
rest is read, and what was left out is told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar, final

import attrs

from .words import counted

FORMAT: Final = 1
DOCUMENT_BYTES_MAX: Final = 1024 * 1024
"""A longer document is none of ours."""
PLACES_MAX: Final = 20
FILTERS_MAX: Final = 100
PLACE_CHARACTERS_MAX: Final = 4_096
NAME_CHARACTERS_MAX: Final = 100
WHERE_BYTES_MAX: Final = 4_096
"""As long as a filter may be."""

T = TypeVar("T")


@final
@attrs.frozen
class Place:
    """A store that was looked at."""

    place: str
    """A path or a URL, without a token."""
    at: str
    """When, as in the journal."""


@final
@attrs.frozen
class SavedFilter:
    """A filter with a name."""

    name: str
    where: str


@final
@attrs.frozen
class Habits:
    """What is remembered. A value: each change gives a new one."""

    places: tuple[Place, ...] = ()
    """The last one first, each once."""
    filters: tuple[SavedFilter, ...] = ()
    """By name, each name once."""
    theme: str | None = None
    """How the screen looks; None: as it comes."""

    def with_theme(self, theme: str) -> Habits:
        """Remember how the screen should look."""
        return attrs.evolve(self, theme=theme) if _is_name(theme) else self

    def with_place(self, place: str, at: str) -> Habits:
        """Remember that a store is looked at; the one that was longest ago may be forgotten."""
        if not _is_place(place):
            return self
        others = [known for known in self.places if known.place != place]
        return attrs.evolve(self, places=(Place(place, at), *others)[:PLACES_MAX])

    def without_place(self, place: str) -> Habits:
        """Forget a store."""
        return attrs.evolve(self, places=tuple(p for p in self.places if p.place != place))

    def with_filter(self, name: str, where: str) -> Habits:
        """
        Give a filter a name; one that had the name before is forgotten.

        Raises:
          ValueError: the name or the filter is empty or too long, or there are too many; the
            message is for people.
        """
        name = name.strip()
        if not _is_name(name):
            raise ValueError(
                f"expected a name of 1 to {NAME_CHARACTERS_MAX} characters, found {len(name)}"
            )
        if not _is_where(where):
            raise ValueError(
                f"expected a filter of 1 to {WHERE_BYTES_MAX} bytes, found {_length(where)}"
            )
        others = [known for known in self.filters if known.name != name]
        if len(others) >= FILTERS_MAX:
            raise ValueError(f"expected at most {FILTERS_MAX} saved filters, found one more")
        return attrs.evolve(self, filters=_by_name([*others, SavedFilter(name, where)]))

    def without_filter(self, name: str) -> Habits:
        """Forget a filter."""
        return attrs.evolve(self, filters=tuple(f for f in self.filters if f.name != name))

    def document(self) -> bytes:
        """Write what is remembered, as `parse` reads it."""
        value = {
            "format": FORMAT,
            "theme": self.theme,
            "places": [{"place": p.place, "at": p.at} for p in self.places],
            "filters": [{"name": f.name, "where": f.where} for f in self.filters],
        }
        # Escapes throughout: a path may have bytes that are no text.
        return json.dumps(value, indent=2).encode("ascii") + b"\n"


def parse(document: bytes) -> tuple[Habits, str | None]:
    """
    Read what is remembered; nothing of it, if it is no such document.

    Returns:
      What could be read, and a sentence about what could not; None if that is nothing.
    """
    if not document.strip():
        return Habits(), None
    if len(document) > DOCUMENT_BYTES_MAX:
        expected = f"at most {DOCUMENT_BYTES_MAX:,} bytes"
        return Habits(), f"habits: expected {expected}, found {len(document):,}: forgotten"
    try:
        value = json.loads(document)
    except (ValueError, RecursionError) as error:
        return Habits(), f"habits: expected JSON, found something else ({error}): forgotten"
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        return Habits(), f"habits: expected an object of format {FORMAT}: forgotten"
    places, odd_places = _read(value.get("places"), _place, lambda place: place.place)
    filters, odd_filters = _read(value.get("filters"), _filter, lambda saved: saved.name)
    odd = odd_places + odd_filters + max(0, len(places) - PLACES_MAX)
    odd += max(0, len(filters) - FILTERS_MAX)
    theme = value.get("theme")
    odd += theme is not None and not _is_name(theme)
    habits = Habits(
        tuple(places[:PLACES_MAX]),
        _by_name(filters[:FILTERS_MAX]),
        theme if _is_name(theme) else None,
    )
    return habits, f"habits: {counted(odd, 'entry', 'entries')} left out" if odd else None


def _read(
    items: Any, read: Callable[[dict[str, Any]], T | None], key: Callable[[T], str]
) -> tuple[list[T], int]:
    """Those of a list that can be read, each key once, and how many cannot."""
    if items is None:
        return [], 0
    if not isinstance(items, list):
        return [], 1
    found = [read(item) if isinstance(item, dict) else None for item in items]
    good = {key(item): item for item in reversed(found) if item is not None}
    # The first of two counts, and they stay in order.
    return list(reversed(good.values())), len(found) - len(good)


def _place(item: dict[str, Any]) -> Place | None:
    place, at = item.get("place"), item.get("at")
    is_good = _is_place(place) and isinstance(at, str) and len(at) <= NAME_CHARACTERS_MAX
    return Place(str(place), str(at)) if is_good else None


def _filter(item: dict[str, Any]) -> SavedFilter | None:
    name, where = item.get("name"), item.get("where")
    return SavedFilter(str(name), str(where)) if _is_name(name) and _is_where(where) else None


def _is_place(place: object) -> bool:
    return isinstance(place, str) and 0 < len(place) <= PLACE_CHARACTERS_MAX


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= NAME_CHARACTERS_MAX and name == name.strip()


def _is_where(where: object) -> bool:
    return isinstance(where, str) and bool(where.strip()) and _length(where) <= WHERE_BYTES_MAX


def _length(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _by_name(filters: Iterable[SavedFilter]) -> tuple[SavedFilter, ...]:
    return tuple(sorted(filters, key=lambda saved: (saved.name.casefold(), saved.name)))
