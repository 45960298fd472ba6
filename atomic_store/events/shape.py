"""
What an annotation means in JSON: a shape, which dumps and loads its values.

Both ways are strict. `dump` accepts only values of exactly the annotated classes, so that
what it writes always loads as the same value; `load` accepts only what `dump` writes and
a few spellings of the same that others use. Neither converts anything on the quiet.

When they refuse, they raise an error of any class, to which each container on its way out
adds a `Step`; `explained` makes lines of text with paths of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn, TypeAlias, final

import attrs
from cattrs.errors import AttributeValidationNote, BaseValidationError, ForbiddenExtraKeysError

from ..jsonvalue import DEPTH_MAX, cut_path, found, step
from .plain import PlainClass

Dump: TypeAlias = Callable[[Any], Any]
Load: TypeAlias = Callable[[Any, Any], Any]
"""The second argument is the target class, which cattrs passes to its hooks: not used."""

SCALAR_TYPES: Final[frozenset[type]] = frozenset({bool, int, float, str, type(None)})
"""The types of JSON values that hold no others, as they are decoded."""

_FAULTS_MAX: Final = 5


@final
@attrs.define(eq=False, repr=False)
class Shape:
    """What an annotation means in JSON."""

    name: str
    """What error messages call it: ``list[int]``."""
    dump: Dump
    """Makes JSON of a value."""
    load: Load
    """Makes a value of JSON, as decoded."""
    classes: frozenset[type]
    """The exact classes of its values: by them a union knows its members when dumping."""
    json_types: frozenset[type]
    """The exact types of its JSON values: by them a union knows its members when loading."""
    is_immutable: bool = True
    """Whether its values cannot be changed, apart from what is in `parts`."""
    parts: tuple[Shape, ...] = ()
    """The shapes of what its values hold."""
    scalars: frozenset[type] = frozenset()
    """The exact types of its values, if these are JSON scalars as they are; else none."""
    plain: PlainClass | None = None
    """The class of its values, if its members are all such scalars."""
    tag: str | None = None
    """The name by which unions tell it from others that are JSON objects, too."""
    is_own_codec: bool = False
    """Whether its JSON may be of any type: unions put it into an object."""

    def is_deeply_immutable(self) -> bool:
        """Whether its values can be shared, because nobody can change them or their parts."""
        seen: set[int] = set()
        ahead: list[Shape] = [self]
        while ahead:
            shape = ahead.pop()
            if id(shape) in seen:
                continue
            if not shape.is_immutable:
                return False
            seen.add(id(shape))
            ahead.extend(shape.parts)
        return True


@final
class Mismatch(Exception):
    """A value is not what its annotation says."""


def mismatch(expected: str, value: object) -> Mismatch:
    """Make the error that says what was expected and what was found instead."""
    return Mismatch(f"expected {expected}, found {found(value)}")


@final
class Step(str):
    """A note on an error: the step of the path at which it was found."""

    __slots__ = ()


def reraise_at(error: Exception, key: str | int) -> NoReturn:
    """Raise an error again that came from the part of a value under this key or index."""
    error.add_note(Step(step(key)))
    raise error


def explained(error: Exception, root: str) -> str:
    """
    Say what an error of `dump` or `load` means, with the paths of the faults.

    Args:
      error: what was raised.
      root: what to call the value as a whole.
    """
    faults = list(_faults(error, root))
    more = len(faults) - _FAULTS_MAX
    return "; ".join(faults[:_FAULTS_MAX]) + (f"; and {more} more" if more > 0 else "")


def _faults(error: Exception, path: str) -> Iterator[str]:
    path += "".join(_steps(error))
    if isinstance(error, BaseValidationError):
        for part in error.exceptions:
            yield from _faults(part, path)
    else:
        yield f"{cut_path(path)}: {_fault(error)}"


def _steps(error: Exception) -> list[str]:
    notes = getattr(error, "__notes__", [])
    # Each container adds its note on the way out, so the innermost comes first.
    return [
        step(note.name) if isinstance(note, AttributeValidationNote) else str(note)
        for note in reversed(notes)
        if isinstance(note, AttributeValidationNote | Step)
    ]


def _fault(error: Exception) -> str:
    if isinstance(error, Mismatch):
        return str(error)
    if isinstance(error, KeyError) and hasattr(error, "__notes__"):
        return "expected a value, found none: the member is missing"
    if isinstance(error, ForbiddenExtraKeysError):
        return f"expected no other members, found {', '.join(sorted(error.extra_fields))}"
    if isinstance(error, RecursionError):
        return f"expected at most {DEPTH_MAX} levels of nesting, found more (or a cycle)"
    # The validators of attrs put more than the text into their errors.
    text = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    return f"{type(error).__name__}: {text}"
