"""The bytes of snapshot logs, for tests that spoil them."""

from __future__ import annotations

import json
from collections.abc import Callable
from zlib import crc32

CRC_BYTES = len(',"crc":"00000000"}')


def is_sound(line: bytes) -> bool:
    """Whether a line, without its newline, ends in the right checksum."""
    return line.endswith(b',"crc":"%08x"}' % crc32(line[:-CRC_BYTES]))


def with_crc(line: bytes) -> bytes:
    """The same line with the right checksum."""
    return line[:-CRC_BYTES] + b',"crc":"%08x"}' % crc32(line[:-CRC_BYTES])


def damaged(line: bytes) -> bytes:
    """A line whose state is another JSON value of the same length, under the old checksum."""
    at = line.index(b'"sequence":', line.index(b'"state":')) + len(b'"sequence":')
    return line[:at] + b"%d" % (9 - int(line[at : at + 1])) + line[at + 1 :]


def estranged(line: bytes) -> bytes:
    """A line as it would stand beside other records: right in itself."""
    at = line.index(b'"commit":"') + len(b'"commit":"')
    return with_crc(line[:at] + b"0" * 32 + line[at + 32 :])


def with_newest(content: bytes, scope: str, spoiled: Callable[[bytes], bytes]) -> bytes:
    """The log with another line in the place of a scope's newest one that is still right."""
    lines = content.split(b"\n")
    fitting = [
        (parsed["sequence"], number)
        for number, line in enumerate(lines)
        if line and is_sound(line)
        for parsed in [json.loads(line)]
        if parsed.get("snapshot") == scope and parsed["commit"] != "0" * 32
    ]
    _, number = max(fitting)
    lines[number] = spoiled(lines[number])
    return b"\n".join(lines)
