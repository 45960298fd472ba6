"""Which file system a path is on, from the text of /proc/self/mountinfo (proc(5)). Pure."""

from __future__ import annotations

import re

import attrs

from .facts import Mount

_ESCAPED = re.compile(rb"\\([0-7]{3})")


@attrs.frozen
class _Line:
    point: bytes
    mount: Mount


def mount_of(path: bytes, mountinfo: bytes) -> Mount | None:
    """
    Find the file system that a path is on.

    Args:
      path: absolute, without symbolic links.
      mountinfo: the content of /proc/self/mountinfo. Lines in no known form are passed over.
    """
    found: _Line | None = None
    for line in map(_parsed, mountinfo.splitlines()):
        # Of two at one point, the later one lies on top.
        if line and _is_below(path, line.point):
            found = line if found is None or len(line.point) >= len(found.point) else found
    return None if found is None else found.mount


def _parsed(line: bytes) -> _Line | None:
    front, separator, back = line.partition(b" - ")
    fields, more = front.split(b" "), back.split(b" ")
    if not separator or len(fields) < 6 or len(more) < 2:
        return None
    options = b",".join([fields[5], *more[2:3]]).split(b",")
    mount = Mount(_text(more[0]), _text(more[1]), frozenset(map(_text, options)))
    return _Line(_unescaped(fields[4]), mount)


def _is_below(path: bytes, point: bytes) -> bool:
    return path == point or path.startswith(point.rstrip(b"/") + b"/")


def _unescaped(field: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), field)


def _text(field: bytes) -> str:
    return _unescaped(field).decode("utf-8", "backslashreplace")
