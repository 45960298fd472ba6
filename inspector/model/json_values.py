"""JSON text as Python values, however deep it is nested."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn, TypeAlias, final

import attrs

from atomic_store import jsonvalue
from atomic_store.errors import InvalidEvent

Json: TypeAlias = Any
"""None, bool, int, float, str, a list of these or a dict of these by str."""

# Possessive, so that nothing is ever tried twice.
_TOKEN: Final = re.compile(
    r'[ \t\r\n]*+("(?:[^"\\\x00-\x1f]++|\\.)*+"|[][{}:,]|-?[0-9][0-9.eE+-]*+|true|false|null)'
)

SLOW_BYTES_MAX: Final = 256 * 1024
"""Longer texts are read only if the quick way is enough: the other one takes some µs a token."""


class NotJson(ValueError):
    """This is no JSON text."""


def value_of(data: bytes) -> Json:
    """
    Read JSON text, a new value each time.

    Of members with one key, the last one counts. Lone surrogates are let through.

    Raises:
      NotJson: it is none.
    """
    try:
        return jsonvalue.decode(data)
    except InvalidEvent as error:
        if len(data) > SLOW_BYTES_MAX:
            raise NotJson(f"{error}; and it is too long for the slow way") from error
        # Nested too deep, or not what the store would have written.
        return _Reader().read(data)


def scalar_of(literal: bytes) -> Json:
    """
    Read one string, number or constant.

    Raises:
      NotJson: it is none.
    """
    try:
        return jsonvalue.decode(literal)
    except InvalidEvent:
        return _scalar(literal.decode("utf-8", "replace"))


def _scalar(token: str) -> Json:
    try:
        return json.loads(token)
    except (ValueError, RecursionError):
        _refuse("a string, number, true, false or null", token)


@final
@attrs.define(eq=False)
class _Reader:
    """Reads one value without recursion: what is open lies on a stack."""

    _open: list[list[Json] | dict[str, Json]] = attrs.field(factory=list, init=False)
    # The key that waits for its value, for each open object.
    _keys: list[str] = attrs.field(factory=list, init=False)
    _expected: str = attrs.field(default="value", init=False)
    """What comes next: a value, ``value or ]``, a key, ``key or }``, ``:``, ``more`` or nothing."""
    _result: Json = attrs.field(default=None, init=False)

    def read(self, data: bytes) -> Json:
        text = data.decode("utf-8", "replace").rstrip(" \t\r\n")
        offset = 0
        while offset < len(text):
            match = _TOKEN.match(text, offset)
            if match is None:
                _refuse(self._expected, text[offset : offset + 40])
            offset = match.end()
            self._take(match[1])
        if self._expected:
            _refuse(self._expected, "the end")
        return self._result

    def _take(self, token: str) -> None:
        match self._expected, token:
            case (("value" | "value or ]"), "{"):
                self._begin({}, "key or }")
            case (("value" | "value or ]"), "["):
                self._begin([], "value or ]")
            case ("value or ]", "]") | ("key or }", "}"):
                self._end()
            case (("value" | "value or ]"), _) if token not in _MARKS:
                self._put(_scalar(token))
            case (("key" | "key or }"), _) if token.startswith('"'):
                self._keys.append(_scalar(token))
                self._expected = ":"
            case ":", ":":
                self._expected = "value"
            case "more", ",":
                self._expected = "key" if isinstance(self._open[-1], dict) else "value"
            case "more", ("]" | "}") if (token == "}") == isinstance(self._open[-1], dict):
                self._end()
            case _:
                _refuse(self._expected or "the end", token)

    def _begin(self, container: list[Json] | dict[str, Json], expected: str) -> None:
        self._put(container)
        self._open.append(container)
        self._expected = expected

    def _end(self) -> None:
        self._open.pop()
        self._expected = "more" if self._open else ""

    def _put(self, value: Json) -> None:
        self._expected = "more" if self._open else ""
        if not self._open:
            self._result = value
            return
        container = self._open[-1]
        if isinstance(container, dict):
            container[self._keys.pop()] = value
        else:
            container.append(value)


_MARKS: Final = frozenset("{}[]:,")


def _refuse(expected: str, found: str) -> NoReturn:
    raise NotJson(f"expected JSON text with {expected} there, found {found[:40]!r}")
