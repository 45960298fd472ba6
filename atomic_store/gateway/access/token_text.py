"""
A token file's text: one JSON object, read strictly, written for people to read, too.

What is read strictly cannot be misread: a misspelt `expires` that was passed over would
make a token that never ends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Annotated, Any, Final, NoReturn, TypeAlias

import msgspec

from ... import jsonvalue
from ...errors import AtomicStoreError, InvalidEvent, shown
from ..protocol.rights import Principal, Right
from .tokens import (
    PREFIXES_MAX,
    TOKENS_MAX,
    Entry,
    Fault,
    TokenSet,
    id_of,
    note_fault,
    prefix_fault,
    principal_fault,
    redacted,
)

FORMAT: Final = "atomic-store-tokens"
VERSION: Final = 1
FILE_BYTES_MAX: Final = 16 * 1024**2

_MEMBERS = frozenset({"format", "version", "tokens"})
_ENTRY_MEMBERS = frozenset({"id", "sha256", "principal", "rights", "created", "expires", "note"})
_MAY_LACK = frozenset({"note"})
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_Check: TypeAlias = Callable[[str], Fault | None]
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class BadTokenFile(AtomicStoreError, ValueError):
    """
    This is no file of tokens, or a damaged one.

    The message never shows a token, not even where somebody put one into the file.

    Attributes:
      path: the file.
      place: where in it: a path of JSON, or a line.
      expected, found: what should be there, and what is.
    """

    def __init__(self, path: str, place: str, expected: str, found: str) -> None:
        found = redacted(found)
        super().__init__(path, place, expected, found)
        self.path = path
        self.place = redacted(place)
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return f"{self.path}: {self.place}: expected {self.expected}, found {self.found}"


def parse(text: bytes, path: str) -> TokenSet:
    """
    Read the text of a token file.

    Args:
      text: all of it.
      path: what errors call the file.

    Raises:
      BadTokenFile: it is something else.
    """
    return _Parser(path).tokens(text)


def write(tokens: TokenSet) -> bytes:
    """Write the text of a token file: UTF-8, a member a line, that ends with a newline."""
    value = {"format": FORMAT, "version": VERSION, "tokens": [*map(_written, tokens.entries)]}
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


def time_text(moment: datetime) -> str:
    """A time in UTC as the file has it: as records have theirs."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _written(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "principal": entry.principal.name,
        "rights": entry.principal.shown(),
        "created": time_text(entry.created),
        "expires": None if entry.expires is None else time_text(entry.expires),
        **({} if entry.note is None else {"note": entry.note}),
        "sha256": entry.sha256.hex(),
    }


class _Parser:
    """Reads one file; knows its name for the errors."""

    def __init__(self, path: str) -> None:
        self._path = path

    def tokens(self, text: bytes) -> TokenSet:
        file = self._object(self._json(text), "$", _MEMBERS, _MEMBERS)
        if file["format"] != FORMAT:
            self._fail("$.format", json.dumps(FORMAT), file["format"])
        if type(file["version"]) is not int or file["version"] != VERSION:
            self._fail("$.version", str(VERSION), file["version"])
        found = self._list(file["tokens"], "$.tokens", TOKENS_MAX)
        entries = [self._entry(value, f"$.tokens[{i}]") for i, value in enumerate(found)]
        seen: set[str] = set()
        for i, entry in enumerate(entries):
            if entry.id in seen:
                self._fail(f"$.tokens[{i}].id", "each token once", f"{entry.id} again", raw=True)
            seen.add(entry.id)
        return TokenSet(tuple(entries))

    def _entry(self, value: object, place: str) -> Entry:
        found = self._object(value, place, _ENTRY_MEMBERS, _ENTRY_MEMBERS - _MAY_LACK)
        digest = self._string(found["sha256"], f"{place}.sha256")
        if _SHA256.fullmatch(digest) is None:
            # What stands here instead may be a token, or a part of one.
            what = f"{len(digest)} other characters"
            self._fail(f"{place}.sha256", "64 digits 0-9 a-f", what, raw=True)
        sha256 = bytes.fromhex(digest)
        if found["id"] != id_of(sha256):
            expected = f"{id_of(sha256)!r}, the beginning of sha256"
            self._fail(f"{place}.id", expected, found["id"])
        name = self._string(found["principal"], f"{place}.principal", principal_fault)
        note = found.get("note")
        return Entry(
            sha256=sha256,
            principal=Principal(name, self._rights(found["rights"], f"{place}.rights")),
            created=self._time(found["created"], f"{place}.created"),
            expires=None
            if found["expires"] is None
            else self._time(found["expires"], f"{place}.expires"),
            note=None if note is None else self._string(note, f"{place}.note", note_fault),
        )

    def _rights(self, value: object, place: str) -> dict[Right, tuple[str, ...]]:
        found = self._object(value, place, frozenset(map(str, Right)), ())
        return {
            Right(right): tuple(
                self._string(prefix, f"{place}.{right}[{i}]", prefix_fault)
                for i, prefix in enumerate(self._list(prefixes, f"{place}.{right}", PREFIXES_MAX))
            )
            for right, prefixes in found.items()
        }

    def _time(self, value: object, place: str) -> datetime:
        try:
            return msgspec.convert(self._string(value, place), _Moment).astimezone(UTC)
        except (msgspec.ValidationError, OverflowError):
            self._fail(place, "a time with its zone, as 2026-11-23T15:04:05Z", value)

    def _json(self, text: bytes) -> object:
        if len(text) > FILE_BYTES_MAX:
            self._fail("$", f"at most {FILE_BYTES_MAX:,} bytes", "more", raw=True)
        try:
            return jsonvalue.decode_strict(text)
        except InvalidEvent as error:
            cause = error.__cause__
            if isinstance(cause, json.JSONDecodeError):
                place = f"line {cause.lineno}, column {cause.colno}"
                self._fail(place, "JSON text", cause.msg, raw=True)
            if isinstance(cause, UnicodeDecodeError):
                self._fail(f"byte {cause.start}", "UTF-8", "other bytes", raw=True)
            self._fail("$", "JSON text", str(error).removeprefix("$: "), raw=True)

    def _object(
        self, value: object, place: str, may: Collection[str], must: Collection[str]
    ) -> dict[str, Any]:
        if type(value) is not dict:
            self._fail(place, "an object", value)
        for key in value:
            if key not in may:
                self._fail(place, f"members of {', '.join(sorted(may))}", key)
        for key in sorted(must):
            if key not in value:
                self._fail(f"{place}.{key}", "it to be there", "nothing", raw=True)
        return value

    def _list(self, value: object, place: str, length_max: int) -> list[Any]:
        if type(value) is not list:
            self._fail(place, "an array", value)
        if len(value) > length_max:
            self._fail(place, f"at most {length_max:,} of them", f"{len(value):,}", raw=True)
        return value

    def _string(self, value: object, place: str, fault: _Check | None = None) -> str:
        if type(value) is not str:
            self._fail(place, "a string", value)
        if fault is not None and (what := fault(value)) is not None:
            self._fail(place, what.expected, what.found, raw=True)
        return value

    def _fail(self, place: str, expected: str, found: object, *, raw: bool = False) -> NoReturn:
        raise BadTokenFile(
            self._path, place, expected, str(found) if raw else shown(found)
        ) from None
