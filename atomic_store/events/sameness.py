"""Whether an event came back from its JSON as the same, and if not, where."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import attrs

from ..jsonvalue import found, step


def difference(given: Any, decoded: Any, path: str) -> str | None:
    """
    Say where a decoded value differs from the one that was given, if it does.

    Objects of attrs classes are the same if they are equal or all their members are (but
    those that the class leaves out of comparisons). Objects of other classes that define
    no equality are taken as the same: nothing is known about them.
    """
    if given == decoded:
        return None
    kind = type(given)
    if type(decoded) is kind:
        if kind is datetime:
            # Two times in the hour that a clock repeats are never equal across time zones.
            return None if given.astimezone(UTC) == decoded else _differs(given, decoded, path)
        parts = _parts(given, decoded)
        if parts is not None:
            for key, one, other in parts:
                text = difference(one, other, path + step(key))
                if text is not None:
                    return text
            return None
        if _has_no_equality(kind):
            return None
    return _differs(given, decoded, path)


def _parts(given: Any, decoded: Any) -> Iterable[tuple[str | int, Any, Any]] | None:
    """Pair what two values of one class hold; None if that does not decide about them."""
    kind = type(given)
    if attrs.has(kind):
        return [
            (field.name, getattr(given, field.name), getattr(decoded, field.name))
            for field in attrs.fields(kind)
            if field.eq
        ]
    if kind in (list, tuple) and len(given) == len(decoded):
        return [(n, *pair) for n, pair in enumerate(zip(given, decoded, strict=True))]
    if kind is dict and given.keys() == decoded.keys():
        return [(str(key), given[key], decoded[key]) for key in given]
    return None


def _has_no_equality(kind: Any) -> bool:
    return kind.__eq__ is object.__eq__


def _differs(given: object, decoded: object, path: str) -> str:
    return f"{path}: expected to come back from JSON as {found(given)}, came as {found(decoded)}"
