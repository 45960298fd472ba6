"""Changes to bytes, read out of other bytes: four a change."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Final

import attrs

CHANGE_BYTES: Final = 4
CHANGES_MAX: Final = 16


class Kind(IntEnum):
    """What happens at a place."""

    FLIP = 0
    """One bit is another."""
    PUT = 1
    """One byte is another."""
    INSERT = 2
    """One byte more."""
    DELETE = 3
    """Some bytes fewer."""
    CUT = 4
    """All that follows is missing."""
    ZERO = 5
    """Some sectors of 512 bytes read as zeros."""
    DOUBLE = 6
    """Some bytes come twice."""


@attrs.frozen
class Change:
    """One change."""

    kind: Kind
    at: int
    value: int

    def made(self, content: bytes) -> bytes:
        """The bytes with it."""
        at = self.at % (len(content) + 1)
        before, rest = content[:at], content[at:]
        match self.kind:
            case Kind.FLIP:
                flipped = bytes([rest[0] ^ 1 << self.value % 8]) if rest else b""
                return before + flipped + rest[1:]
            case Kind.PUT:
                return before + bytes([self.value]) + rest[1:]
            case Kind.INSERT:
                return before + bytes([self.value]) + rest
            case Kind.DELETE:
                return before + rest[self.value :]
            case Kind.CUT:
                return before
            case Kind.ZERO:
                begin = at // 512 * 512
                end = min(len(content), begin + 512 * (1 + self.value % 4))
                return content[:begin] + bytes(end - begin) + content[end:]
            case Kind.DOUBLE:
                return before + rest[: self.value] + rest


def changes_of(data: bytes) -> Iterator[Change]:
    """The changes that some bytes stand for."""
    for begin in range(0, min(len(data), CHANGES_MAX * CHANGE_BYTES), CHANGE_BYTES):
        part = data[begin : begin + CHANGE_BYTES].ljust(CHANGE_BYTES, b"\0")
        yield Change(Kind(part[0] % len(Kind)), int.from_bytes(part[1:3], "big"), part[3])
