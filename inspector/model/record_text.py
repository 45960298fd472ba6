"""One record as text: the journal's line, laid out for reading, and safe for other programs."""

from __future__ import annotations

import json
import re
from typing import Final

import msgspec

from atomic_store.journal import StoredRecord
from atomic_store.journal.line import record_body

LAID_OUT_BYTES_MAX: Final = 16 * 1024 * 1024
"""What would become longer with its indents is left as it is."""
INDENT: Final = 2

_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_TURN: Final = re.compile(rb"[\[{]|[\]}]|,")
_UNSEEN: Final = re.compile(r"[^\n -~]")


def line_text(record: StoredRecord) -> bytes:
    """Give the journal's line of a record, without its checksums: JSON text in UTF-8."""
    try:
        return record_body(record) + b"}"
    except UnicodeEncodeError:
        # A lone surrogate in a name: no journal has that, but what is shown is not checked.
        return record_body(_without_surrogates(record)) + b"}"


def _without_surrogates(record: StoredRecord) -> StoredRecord:
    names = {
        name: value.encode("utf-8", "replace").decode()
        for name in ("scope", "id", "at", "type", "proposed")
        if isinstance(value := getattr(record, name), str)
    }
    return msgspec.structs.replace(record, **names)


def laid_out(text: bytes) -> bytes:
    """
    Give JSON text each member on its own line, its words unchanged.

    What is no JSON, is nested too deep, or would become too long, is given as it is.
    """
    try:
        if _laid_out_bytes(text) > LAID_OUT_BYTES_MAX:
            return text
        return msgspec.json.format(text, indent=INDENT)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return text


def _laid_out_bytes(text: bytes) -> int:
    """How long a text becomes, about: with its indents, a deep one may be a thousand times it."""
    size, depth = len(text), 0
    for turn in _TURN.finditer(_STRING.sub(b'""', text)):
        match turn[0]:
            case b"[" | b"{":
                depth += 1
            case b"]" | b"}":
                depth -= 1
        size += 1 + INDENT * max(depth, 0)
        if size > LAID_OUT_BYTES_MAX:
            break
    return size


def escaped(text: bytes | str) -> str:
    """
    Write JSON text so that no character in it can command a terminal, or hide.

    It is still the same JSON: within strings, escapes say what the characters said.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return _UNSEEN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return character if character.isprintable() else json.dumps(character)[1:-1]


def envelope_text(record: StoredRecord) -> bytes:
    """Give what a record has besides its three documents, as a JSON object."""
    return msgspec.json.encode(_envelope(_without_surrogates(record)))


def _envelope(record: StoredRecord) -> dict[str, object]:
    members: dict[str, object] = {
        "type": record.type, "scope": record.scope, "sequence": record.sequence,
        "position": record.position, "at": record.at, "id": record.id,
        "version": record.version,
    }  # fmt: skip
    if record.part is not None:
        members["part"] = record.part
    if record.proposed is not None:
        members["proposed"] = record.proposed
    return members


def compared_text(record: StoredRecord) -> bytes:
    """Give what can be the same in two records, as a JSON object: not where and when they are."""
    members = [
        b'"type":' + msgspec.json.encode(_without_surrogates(record).type),
        b'"version":%d' % record.version,
        b'"data":' + record.data,
    ]
    members += [
        b'"%b":%b' % (name, document)
        for name, document in ((b"metadata", record.metadata), (b"meta", record.meta))
        if document is not None
    ]
    return b"{%b}" % b",".join(members)
