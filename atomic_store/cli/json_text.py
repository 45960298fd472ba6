"""
Any Python value as JSON text, for looking at: bounded, and never an error.

States are whatever somebody's fold makes of them. What JSON has no word for is written as
an object of its members, or as what it calls itself; what does not fit is left out, with a
word about it. The text is always whole.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence, Set
from enum import Enum
from typing import Any, Final, TypeAlias, final

import attrs
import msgspec

TEXT_BYTES_MAX: Final = 4 * 1024 * 1024
"""How long a text may become, about, before the rest is left out."""

REPR_MAX: Final = 1_000
"""Of what an object calls itself, so many characters are shown."""

_ATOMS: Final = (type(None), bool, int, float, str)
_Items: TypeAlias = Iterator[tuple[str | None, object]]
"""The members of an object, or elements of an array, which have no key."""


def json_text(value: object, *, bytes_max: int = TEXT_BYTES_MAX) -> bytes:
    """
    Write a value as JSON text: attrs classes, dataclasses, structs, dicts, lists, anything.

    Args:
      value: anything; it is only read.
      bytes_max: about how long the text may become. What is left out is named in its place:
        ``"… left out"``.

    Returns:
      One JSON value in UTF-8, in which a key may occur twice if two keys look alike. It may
      be nested as deep as the value is.
    """
    return _Writer(bytes_max).written(value)


@final
@attrs.define(eq=False)
class _Open:
    """An object or array that is being written."""

    value: object
    """What it stands for; held, so that its id is nobody else's."""
    items: _Items
    end: str
    is_empty: bool = True


@final
@attrs.define(eq=False)
class _Writer:
    """Writes one value, without recursion: what is open lies on a stack."""

    bytes_left: int
    _parts: list[str] = attrs.field(factory=list, init=False)
    _open: list[_Open] = attrs.field(factory=list, init=False)
    _open_ids: set[int] = attrs.field(factory=set, init=False)

    def written(self, value: object) -> bytes:
        self._begin(value)
        while self._open:
            container = self._open[-1]
            try:
                item = next(container.items, None)
            except Exception as error:
                item = (None if container.end == "]" else "…", _complaint(error))
                container.items = iter(())
            if item is None:
                self._open_ids.discard(id(self._open.pop().value))
                self._put(container.end)
                continue
            key, inner = item
            self._put("" if container.is_empty else ",")
            container.is_empty = False
            if self.bytes_left <= 0:
                # One word for all that follows; then everything open is closed.
                container.items = iter(())
                key, inner = ("…" if container.end == "}" else None), "… left out"
            if key is not None:
                self._put(f"{_string(self._cut(key))}:")
            self._begin(inner)
        return "".join(self._parts).encode("utf-8", "replace")

    def _put(self, text: str) -> None:
        self._parts.append(text)
        self.bytes_left -= len(text)

    def _begin(self, value: object) -> None:
        """Write a value, or the beginning of one that holds others."""
        if type(value) in _ATOMS:
            self._put(self._atom(value))
            return
        if id(value) in self._open_ids:
            self._put('"… itself again"')
            return
        try:
            opened = _opened(value)
        except Exception as error:
            opened = _complaint(error)
        if isinstance(opened, str):
            self._put(self._atom(opened))
            return
        items, brackets = opened
        self._put(brackets[0])
        self._open.append(_Open(value, items, brackets[1]))
        self._open_ids.add(id(value))

    def _atom(self, value: object) -> str:
        if isinstance(value, str):
            return _string(self._cut(value))
        if isinstance(value, float) and value - value != 0:
            return _string(str(value))
        try:
            return json.dumps(value)
        except ValueError:
            # An integer of more digits than this process prints.
            return '"… a very large integer"'

    def _cut(self, text: str) -> str:
        length = max(self.bytes_left, 100)
        return text if len(text) <= length else f"{text[:length]}… ({len(text):,} characters)"


def _opened(value: Any) -> tuple[_Items, str] | str:
    """What a value holds, and the brackets around it; or a word for it."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, type):
        return f"class {value.__qualname__}"
    if isinstance(value, Mapping):
        return ((_key(key), inner) for key, inner in value.items()), "{}"
    names = _members(type(value))
    if names is not None:
        return ((name, getattr(value, name, "… not set")) for name in names), "{}"
    if isinstance(value, tuple) and (fields := getattr(value, "_fields", None)) is not None:
        return zip(map(_key, fields), value, strict=False), "{}"
    if isinstance(value, str | int | float):
        # Classes of one's own that derive from these.
        return _called(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _called(bytes(value[:REPR_MAX]))
    if isinstance(value, Set):
        return ((None, inner) for inner in _in_order(value)), "[]"
    if isinstance(value, Sequence):
        return ((None, inner) for inner in value), "[]"
    return _called(value)


def _members(cls: type) -> list[str] | None:
    """The names of the members that a class declares; None if it declares none."""
    if attrs.has(cls):
        return [field.name for field in attrs.fields(cls)]
    if dataclasses.is_dataclass(cls):
        return [field.name for field in dataclasses.fields(cls)]
    if issubclass(cls, msgspec.Struct):
        return list(cls.__struct_fields__)
    return None


def _in_order(values: Set[Any]) -> list[Any]:
    """A set's elements in an order that is the same each time, if there is one."""
    try:
        return sorted(values)
    except Exception:
        return sorted(values, key=_called)


def _key(key: object) -> str:
    return key if type(key) is str else _called(key)


def _called(value: object) -> str:
    """What a value calls itself, cut short."""
    name = str if type(value).__module__ in _SPEAK_PLAINLY else repr
    try:
        text = name(value)
    except Exception as error:
        return f"… a {type(value).__qualname__} ({_complaint(error)})"
    return text if len(text) <= REPR_MAX else f"{text[:REPR_MAX]}…"


_SPEAK_PLAINLY: Final = frozenset({"datetime", "decimal", "fractions", "uuid", "uuid_utils"})
"""Modules whose values say as text what they are, without the name of a class."""


def _complaint(error: Exception) -> str:
    return f"… unreadable: {type(error).__qualname__}"


def _string(text: str) -> str:
    # Escapes for what is not ASCII would hide what it says; lone surrogates need them.
    return json.dumps(text, ensure_ascii=not _is_valid(text))


def _is_valid(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
