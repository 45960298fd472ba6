"""
Classes whose members are all JSON scalars, both ways without a function call for each.

Most events are such classes. Their values are looked at together, by the tuple of their
exact types; what does not fit is left to the shape, which also finds the words for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from operator import attrgetter
from typing import Any, Final, TypeAlias, final

import attrs

from .. import jsonvalue

_KINDS_MAX: Final = 64
"""How many tuples of types a class may allow: each optional member doubles them."""

Values: TypeAlias = tuple[Any, ...]


@final
@attrs.frozen(eq=False)
class PlainClass:
    """An attrs class whose members are JSON scalars, as they are."""

    _cls: Callable[..., Any]
    _keys: tuple[str, ...]
    _get: Callable[[Any], Values]
    _kinds: frozenset[tuple[type, ...]]
    """The exact types that its members may have, all together."""
    _takes_positions: bool

    @classmethod
    def of(
        cls,
        made: Callable[..., Any],
        members: Sequence[tuple[attrs.Attribute[Any], frozenset[type]]],
    ) -> PlainClass | None:
        """
        Look at a class.

        Args:
          made: the class.
          members: the fields that its constructor takes, each with the JSON scalars that its
            values are; none if they are something else.

        Returns:
          None if it is no such class, or has too many possibilities.
        """
        count = 1
        for _, scalars in members:
            count *= len(scalars)
        if not members or not 1 <= count <= _KINDS_MAX:
            return None
        names = [field.name for field, _ in members]
        get: Callable[[Any], Values] = attrgetter(*names)
        if len(names) == 1:
            get = _one(attrgetter(names[0]))
        return cls(
            made,
            tuple(field.alias or field.name for field, _ in members),
            get,
            frozenset(product(*(scalars for _, scalars in members))),
            not any(field.kw_only for field, _ in members),
        )

    def write_and_read(self, event: object) -> tuple[bytes, Any] | None:
        """Give an event's JSON text, and the event that it stands for; None: ask the shape."""
        values = self._get(event)
        if tuple(map(type, values)) not in self._kinds:
            return None
        data = jsonvalue.encode_scalars(dict(zip(self._keys, values, strict=True)))
        # Scalars come back from JSON as they went in, so it need not be read for that.
        same = self._make(values)
        return None if data is None or event != same else (data, same)

    def read(self, value: object) -> Any:
        """Give the event that decoded JSON stands for; None: ask the shape."""
        if type(value) is not dict or tuple(value) != self._keys:
            return None
        values = tuple(value.values())
        if tuple(map(type, values)) not in self._kinds:
            return None
        return self._make(values)

    def _make(self, values: Values) -> Any:
        """Give the event with these values; None: ask the shape, which may refuse it."""
        try:
            if self._takes_positions:
                return self._cls(*values)
            return self._cls(**dict(zip(self._keys, values, strict=True)))
        except Exception:
            # Its validators may raise anything. The shape meets it again, and says where.
            return None


def scalars_of(many: Sequence[frozenset[type]]) -> frozenset[type]:
    """The scalars of a union's members; none if one of them is something else."""
    return frozenset().union(*many) if all(many) else frozenset()


def _one(get: Callable[[Any], Any]) -> Callable[[Any], Values]:
    # An attrgetter of one name gives a value, of more names a tuple.
    return lambda event: (get(event),)
