"""Token files: read as they are written, or refused with a place, and never shown."""

from __future__ import annotations

from atomic_store.gateway.access import token_text
from atomic_store.gateway.access.token_text import BadTokenFile, parse

NAME = "tokens.json"


def fuzz(data: bytes) -> None:
    """Read some bytes as a token file."""
    try:
        tokens = parse(data, NAME)
    except BadTokenFile as error:
        look_at_error(error)
        return
    written = token_text.write(tokens)
    assert tokens == parse(written, NAME)
    assert written == token_text.write(parse(written, NAME))


def look_at_error(error: BadTokenFile) -> None:
    """An error names a place, and can be shown."""
    assert error.place
    assert error.expected
    assert str(error).startswith(f"{NAME}: ")
    assert all(c.isprintable() for c in str(error)), error
