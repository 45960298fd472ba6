"""Messages as text, and back: strictly, and with errors that name the place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar, final

import attrs
import msgspec

from ... import jsonvalue
from ...errors import InvalidEvent, shown
from . import client_messages, server_messages
from .client_messages import ClientMessage
from .codes import ErrorCode
from .server_messages import AnyServerMessage, ServerMessage

M = TypeVar("M", ClientMessage, ServerMessage)

_ID_DIGITS_MAX = 16
_WHY_MAX = 160
_KINDS = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a lone surrogate",
    list: "an array",
}

_encode = msgspec.json.Encoder().encode
_server: msgspec.json.Decoder[AnyServerMessage] = msgspec.json.Decoder(AnyServerMessage)
_server_tags = {str(kind.__struct_config__.tag) for kind in server_messages.KINDS}


@final
@attrs.frozen
class Refused:
    """A text that is an object, but no message that can be taken."""

    code: ErrorCode
    message: str
    id: int | None
    """The id that it names, if that is one."""
    type: str | None
    """The type that it names, if that is a string."""


@final
@attrs.frozen
class NotAnObject:
    """A text that is no JSON object."""

    message: str


Parsed: TypeAlias = ClientMessage | Refused | NotAnObject


class _Head(msgspec.Struct):
    type: Any = None
    id: Any = None


def write(message: ClientMessage | ServerMessage) -> bytes:
    """
    Write a message as JSON text in UTF-8, on one line.

    What it holds as JSON values must be such; see `jsonvalue`.
    """
    return _encode(message)


def parse_client(text: str | bytes) -> Parsed:
    """
    Read what a client said. Never raises.

    Members that a message does not have are ignored; values are taken as they are, or not
    at all: no number is made of a string, no integer of a float.
    """
    if not isinstance(text, str):
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            return NotAnObject(f"expected text in UTF-8: {error.reason} at byte {error.start}")
    head = _head(text)
    if isinstance(head, NotAnObject):
        return head
    id_, name = _given_id(head), _given_type(head)
    kind = None if name is None else client_messages.ALL.get(name)
    if kind is None:
        if name is None:
            what = f"type: expected a string, found {_kind_of(head.type)}"
            return Refused(ErrorCode.BAD_MESSAGE, what, id_, None)
        what = f"expected a type of message of this protocol, found {shown(name)}"
        return Refused(ErrorCode.UNKNOWN_TYPE, what, id_, name)
    carries_event = kind in (client_messages.Propose, client_messages.Decide)
    bad = ErrorCode.INVALID_EVENT if carries_event else ErrorCode.BAD_MESSAGE
    try:
        value = jsonvalue.decode_strict(text, root=str(name))
    except InvalidEvent as error:
        return Refused(bad, str(error), id_, name)
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        return Refused(ErrorCode.BAD_MESSAGE, f"{name}: {_cut(error)}", id_, name)


def parse_too_large(text: str, bytes_max: int) -> Refused:
    """
    Refuse a text for its size, having looked at no more of it than whose answer that is.

    Reading all of it strictly would take seconds, during which nobody is served.
    """
    what = f"expected a message of at most {bytes_max} bytes, found a longer one"
    try:
        head = msgspec.json.decode(text, type=_Head)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        head = _Head()
    return Refused(ErrorCode.TOO_LARGE, what, _given_id(head), _given_type(head))


def parse_server(text: str | bytes) -> AnyServerMessage | None:
    """
    Read what the gateway said.

    Returns:
      None for a type of message that this version does not know.

    Raises:
      ValueError: it is no message.
    """
    try:
        return _server.decode(text)
    except (msgspec.MsgspecError, UnicodeError) as error:
        head = _head(text)
        if isinstance(head, _Head) and type(head.type) is str and head.type not in _server_tags:
            return None
        raise ValueError(
            f"expected a message of the gateway, found {shown(text[:200])}: {error}"
        ) from error
    except RecursionError:
        raise ValueError("expected a message of the gateway, found too many levels") from None


def _head(text: str | bytes) -> _Head | NotAnObject:
    try:
        return msgspec.json.decode(text, type=_Head)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        head = _lenient_head(text)
        if head is not None:
            return head
        what = "too many levels" if isinstance(error, RecursionError) else str(error)
        # What was found is not shown: half a `hello` has a whole token in it.
        return NotAnObject(f"expected a JSON object: {what}")


def _lenient_head(text: str | bytes) -> _Head | None:
    """What JSON text that no JSON value of ours comes from says of itself: lone surrogates, say."""
    try:
        value = json.loads(text, parse_constant=_refuse, parse_int=_head_int)
    except (ValueError, RecursionError):
        return None
    return _Head(value.get("type"), value.get("id")) if type(value) is dict else None


def _refuse(name: str) -> None:
    raise ValueError(name)


def _head_int(literal: str) -> int | float:
    return int(literal) if len(literal) <= _ID_DIGITS_MAX else float("inf")


def _kind_of(value: Any) -> str:
    """What JSON calls a value that may be too long, or too deep, to be shown."""
    if value is None:
        return "none"
    return _KINDS.get(type(value), "an object")


def _cut(error: msgspec.ValidationError) -> str:
    """What msgspec says, which may quote the client at any length; the place stands at its end."""
    text = str(error)
    return text if len(text) <= _WHY_MAX else f"{text[: _WHY_MAX // 2]}…{text[-_WHY_MAX // 2 :]}"


def _given_type(head: _Head) -> str | None:
    if type(head.type) is not str:
        return None
    # A lone surrogate can be written by nobody: not in an answer, and not in a log.
    return None if any("\ud800" <= c <= "\udfff" for c in head.type) else head.type


def _given_id(head: _Head) -> int | None:
    return head.id if type(head.id) is int else None


def json_text(value: Mapping[str, Any] | object) -> msgspec.Raw:
    """A JSON value as text that goes into a message as it is."""
    return msgspec.Raw(jsonvalue.encode(value))
