"""A class of events with its stored name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar, final

import attrs

from ..jsonvalue import found

E = TypeVar("E")

NAME_BYTES_MAX: Final = 512


@final
@attrs.frozen
class EventType(Generic[E]):
    """
    A class of events, with the name it is stored under and, if it has one, its own codec.

    Args:
      cls: an attrs class, or any class if it comes with a codec.
      name: what records call it, for ever: 1 to 512 bytes of UTF-8 without NUL. The name
        of the class, if not given.
      version: the version of its schema, from 1. What is stored with a lower one is read,
        what is stored with a higher one is refused.
      encode: makes a JSON value of an event.
      decode: makes an equal event of that JSON value, or raises.
      frozen: a promise about a class with a codec: nobody can change its objects, so that
        readers may share them.

    Raises:
      TypeError, ValueError: the arguments do not fit together.
    """

    cls: type[E]
    name: str | None = attrs.field(kw_only=True, default=None)
    version: int = attrs.field(kw_only=True, default=1)
    encode: Callable[[E], Any] | None = attrs.field(kw_only=True, default=None)
    decode: Callable[[Any], E] | None = attrs.field(kw_only=True, default=None)
    frozen: bool = attrs.field(kw_only=True, default=False)

    @property
    def stored_name(self) -> str:
        """What records call it: `name`, or else the name of the class."""
        return self.cls.__name__ if self.name is None else self.name

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.cls, type):
            raise TypeError(f"EventType: expected a class, found {found(self.cls)}")
        fault = name_fault(self.stored_name)
        if fault is not None:
            raise ValueError(f"name of {self.cls.__qualname__}: {fault}")
        if type(self.version) is not int or self.version < 1:
            raise ValueError(
                f"version of {self.stored_name}: expected an integer from 1, found {self.version!r}"
            )
        if (self.encode is None) != (self.decode is None):
            raise TypeError(
                f"codec of {self.stored_name}: expected encode and decode, found one of them"
            )
        if self.frozen and self.encode is None:
            raise TypeError(
                f"frozen of {self.stored_name}: expected only for a class with its own codec; "
                f"an attrs class is asked itself"
            )


def name_fault(name: object) -> str | None:
    """Say why a value cannot be the name of a type, if it cannot."""
    if type(name) is not str:
        return f"expected str, found {found(name)}"
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        return f"expected valid Unicode, found {found(name)}"
    if "\0" in name or not 1 <= length <= NAME_BYTES_MAX:
        return f"expected 1 to {NAME_BYTES_MAX} bytes of UTF-8 without NUL, found {found(name)}"
    return None
