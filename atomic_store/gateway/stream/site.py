"""A few files that are served as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final, final
from urllib.parse import urlsplit

import attrs

from .answers import Answer, is_readable, method_not_allowed, plain

CONTENT_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".ico": "image/x-icon",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".map": "application/json",
        ".png": "image/png",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
        ".woff2": "font/woff2",
    }
)
"""By a file's ending. The system's own table differs from one machine to the next."""


@final
@attrs.frozen
class StaticFile:
    """A file's content, and what it is."""

    content: bytes = attrs.field(repr=False)
    content_type: str


def static_file(name: str, content: bytes) -> StaticFile:
    """
    Give a file that is what its name's ending says.

    Raises:
      ValueError: it has an ending that is not on the list.
    """
    suffix = PurePosixPath(name).suffix
    if suffix not in CONTENT_TYPES:
        known = ", ".join(CONTENT_TYPES)
        raise ValueError(f"name: expected one that ends with {known}, found {name!r}")
    return StaticFile(content, CONTENT_TYPES[suffix])


@final
@attrs.frozen
class Site:
    """
    Files by their paths, such as ``"/"`` and ``"/demo.js"``.

    A path is looked up as it was sent: nothing is decoded, nothing is on a disk.
    """

    files: Mapping[str, StaticFile]

    def answer(self, method: bytes, target: bytes) -> Answer:
        """Give the answer to a request: a file, 404 or 405."""
        if not is_readable(method):
            return method_not_allowed()
        found = self.files.get(path_of(target))
        return plain(404) if found is None else Answer(200, found.content, found.content_type)


def path_of(target: bytes) -> str:
    """
    Give the path that a request's target names, without its query; ``""`` if it names none.

    Args:
      target: a path, or a whole address, as it is sent to a proxy.
    """
    text = target.decode("ascii", "replace")
    if not text.startswith("/"):
        try:
            address = urlsplit(text)
        except ValueError:
            return ""
        return (address.path or "/") if address.scheme in ("http", "https") else ""
    return text.partition("?")[0]
