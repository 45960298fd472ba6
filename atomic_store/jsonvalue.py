"""
The JSON values that a store holds, and nothing else: checked once, when they are proposed.

A JSON value is None, a bool, an int of at most `INT_DIGITS_MAX` digits, a finite float, a
str that is valid Unicode, a list or tuple of JSON values, or a dict from str to JSON
values, nested at most `DEPTH_MAX` levels deep. Types count exactly: an `IntEnum` is not
taken for an int, a `defaultdict` not for a dict, because they would come back as something
else. Only tuples do: they are written as arrays and come back as lists.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final, NoReturn

import msgspec

from .errors import InvalidEvent, shown

DEPTH_MAX: Final = 100
"""How many arrays and objects may lie in one another."""

INT_DIGITS_MAX: Final = 4_000
"""How many digits an integer may have. CPython itself refuses to print above 4,300."""

_INT_END: Final = 10**INT_DIGITS_MAX
_ENDLESS: Final = 2**63
_NOT_PLAIN: Final = object()
_CONTAINERS: Final = frozenset({dict, list, tuple})
_ACCEPTED: Final = "a JSON value (None, bool, int, float, str, list, tuple or dict)"

_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode


def encode(value: object, *, root: str = "$", bytes_max: int | None = None) -> bytes:
    """
    Write a value as JSON text in raw UTF-8, on one line and without blanks.

    Args:
      value: what to write; lists, tuples and dicts in it are only read.
      root: what error messages call the value itself.
      bytes_max: how long the text may be, in bytes; None for any length.

    Raises:
      InvalidEvent: it is not a JSON value, or too long; the message names the path.
    """
    if not _is_json(value, bytes_max):
        _refuse(value, root, bytes_max)
    try:
        data = _encode(value)
    except ValueError:
        # A lone surrogate, or an integer above a limit that this process has lowered.
        _refuse(value, root, bytes_max)
    if bytes_max is not None and len(data) > bytes_max:
        raise InvalidEvent(
            f"{root}: expected at most {bytes_max} bytes of JSON text, found {len(data)}"
        )
    return data


def encode_scalars(members: dict[str, Any]) -> bytes | None:
    """
    Write an object whose values are scalars of exactly these types: quicker than `encode`.

    Returns:
      None if it is not a JSON value after all; `encode` says why.
    """
    for value in members.values():
        kind = type(value)
        # A NaN is not less than anything.
        if (kind is int or kind is float) and not -_INT_END < value < _INT_END:
            return None
    try:
        return _encode(members)
    except ValueError:
        return None


def decode(data: bytes) -> object:
    """
    Read JSON text that `encode` has written: fast, and a new object each time.

    Raises:
      InvalidEvent: it is not JSON text.
    """
    try:
        return _decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidEvent(f"expected JSON text, found {shown(data[:80])}: {error}") from error


def copied(value: object) -> object:
    """
    Give a JSON value as it comes back from its text.

    Raises:
      InvalidEvent: it is not a JSON value.
    """
    return decode(encode(value))


def decode_strict(text: str | bytes, *, root: str = "$") -> object:
    """
    Read JSON text that anybody may have written, and accept only what `encode` would.

    Args:
      text: one JSON value; bytes must be UTF-8 without a byte order mark.
      root: what error messages call the value itself.

    Raises:
      InvalidEvent: it is not JSON text, or has duplicate keys, NaN, infinities, numbers
        outside the limits, lone surrogates or too many levels.
    """
    value = _decode_plain(text)
    if value is not _NOT_PLAIN:
        return value
    try:
        value = json.loads(
            text if isinstance(text, str) else text.decode(),
            object_pairs_hook=_object_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_limited_int,
        )
    except InvalidEvent as error:
        raise InvalidEvent(f"{root}: {error}") from None
    except RecursionError:
        raise InvalidEvent(f"{root}: {_too_deep()}") from None
    except ValueError as error:
        raise InvalidEvent(
            f"{root}: expected JSON text, found {shown(text[:80])}: {error}"
        ) from error
    encode(value, root=root)
    return value


def _decode_plain(text: str | bytes) -> object:
    """
    Read JSON text that is written just as `encode` writes it, as most are: twice as quick.

    Text that comes out as it went in had no key twice, and nothing else in it was lost.

    Returns:
      `_NOT_PLAIN` for any other text, right or wrong.
    """
    try:
        data = text.encode() if isinstance(text, str) else text
        value = _decode(data)
        if _encode(value) == data and _is_json(value, None):
            return value
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    return _NOT_PLAIN


def canonical(data: bytes) -> bytes:
    """
    Write the same JSON value with the keys of all objects sorted by code point.

    Two texts have the same canonical form if they hold the same value. ``1`` and ``1.0``
    are two values (an int and a float), ``1.0`` and ``1.00`` are one.

    Raises:
      InvalidEvent: it is not JSON text.
    """
    return _encode_sorted(decode(data))


def digest(type_name: str, data: bytes) -> str:
    """
    Give the BLAKE2b-128 of a type's name, a NUL and the canonical data, as 32 hex digits.

    Raises:
      InvalidEvent: `data` is not JSON text.
    """
    return blake2b(b"%b\0%b" % (type_name.encode(), canonical(data)), digest_size=16).hexdigest()


def step(key: str | int) -> str:
    """How a path goes on to this key or index: ``.lot``, ``["lot 1"]`` or ``[3]``."""
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if key.isidentifier() else f"[{json.dumps(key)}]"


def cut_path(path: str, length_max: int = 200) -> str:
    """Cut a path short that would fill the screen."""
    return path if len(path) <= length_max else f"{path[:length_max]}…"


def found(value: object) -> str:
    """Name a value in an error message: its type and, cut short, the value."""
    kind = type(value)
    if value is None or kind is bool:
        return repr(value)
    try:
        return f"{kind.__qualname__} {shown(value)}"
    except Exception:  # its class's own __repr__ failed, or it has too many digits to print
        return f"{kind.__qualname__} (it cannot be printed)"


def _is_json(value: object, bytes_max: int | None) -> bool:
    # This is the fast walk, without paths and without recursion. Strings are left to the
    # encoder, which finds lone surrogates anyway. Depth first, so that a cycle gets to the
    # depth limit at once; counted, so that a list that holds one list many times, over and
    # over, is given up as soon as its text must be too long.
    left = _ENDLESS if bytes_max is None else bytes_max
    stack: list[tuple[Any, int]] = [((value,), 0)]
    while stack:
        container, depth = stack.pop()
        left -= len(container)
        if left < 0:
            return False
        items: Iterable[Any] = container
        if type(container) is dict:
            for key in container:
                if type(key) is not str:
                    return False
            items = container.values()
        for item in items:
            kind = type(item)
            if kind is str or item is None or kind is bool:
                continue
            if kind is int:
                if not -_INT_END < item < _INT_END:
                    return False
            elif kind is float:
                if item - item != 0:  # true of NaN and the infinities alone
                    return False
            elif kind in _CONTAINERS:
                if depth >= DEPTH_MAX:
                    return False
                stack.append((item, depth + 1))
            else:
                return False
    return True


def _refuse(value: object, root: str, bytes_max: int | None) -> NoReturn:
    """Walk again, slowly, with paths, and raise for the first fault in the text's order."""
    left = _ENDLESS if bytes_max is None else bytes_max
    stack: list[tuple[str, Any, int]] = [(root, value, 0)]
    while stack:
        path, item, depth = stack.pop()
        left -= 1
        if left < 0:
            raise InvalidEvent(f"{root}: expected at most {bytes_max} bytes of JSON text")
        fault = _fault(item, depth)
        if fault is not None:
            raise InvalidEvent(f"{cut_path(path)}: {fault}")
        children: list[tuple[str, Any, int]] = []
        if type(item) is dict:
            for key, child in item.items():
                key_fault = _key_fault(key)
                if key_fault is not None:
                    raise InvalidEvent(f"{cut_path(path)}: {key_fault}")
                children.append((path + step(key), child, depth + 1))
        elif type(item) in _CONTAINERS:
            children = [(path + step(n), child, depth + 1) for n, child in enumerate(item)]
        stack.extend(reversed(children))
    raise InvalidEvent(f"{root}: expected {_ACCEPTED}, found one that changed while it was read")


def _fault(item: object, depth: int) -> str | None:
    kind = type(item)
    if item is None or kind is bool:
        return None
    if kind is str:
        return _surrogate_fault(item)  # type: ignore[arg-type]  # its type was compared
    if kind is int:
        return _int_fault(item)  # type: ignore[arg-type]  # its type was compared
    if kind is float:
        finite = item - item == 0  # type: ignore[operator]  # its type was compared
        return None if finite else f"expected a finite number, found {item}"
    if kind not in _CONTAINERS:
        return f"expected {_ACCEPTED}, found {found(item)}"
    return _too_deep() if depth >= DEPTH_MAX else None


def _int_fault(number: int) -> str | None:
    if not -_INT_END < number < _INT_END:
        return f"expected an int of at most {INT_DIGITS_MAX} digits, found a longer one"
    try:
        str(number)
    except ValueError as error:
        return f"expected an int that this process can print: {error}"
    return None


def _key_fault(key: object) -> str | None:
    if type(key) is not str:
        return f"expected keys of type str, found {found(key)}"
    fault = _surrogate_fault(key)
    return None if fault is None else f"in a key, {fault}"


def _surrogate_fault(text: str) -> str | None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"expected valid Unicode, found a lone surrogate at {error.start} of {found(text)}"
    return None


def _too_deep() -> str:
    return f"expected at most {DEPTH_MAX} levels of nesting, found more (or a cycle)"


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise InvalidEvent(f"expected each key once in an object, found {shown(key)} twice")
            seen.add(key)
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidEvent(f"expected a finite number, found {name}")


def _finite_float(literal: str) -> float:
    number = float(literal)
    if number - number != 0:
        raise InvalidEvent(f"expected a number that a float can hold, found {shown(literal)}")
    return number


def _limited_int(literal: str) -> int:
    digits = len(literal.removeprefix("-"))
    if digits > INT_DIGITS_MAX:
        raise InvalidEvent(
            f"expected an int of at most {INT_DIGITS_MAX} digits, found one of {digits}"
        )
    return int(literal)
