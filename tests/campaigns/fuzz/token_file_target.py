"""Token files: read as they are written, or refused with a place, and never shown."""

from __future__ import annotations

from atomic_store.gateway.access.token_text import BadTokenFile, parse, write

NAME = "tokens.json"


def fuzz(data: bytes) -> None:
    """Read some bytes as a token file."""
    try:
        tokens = parse(data, NAME)
    except BadTokenFile as error:
        assert error.place
        assert error.expected
        assert str(error).startswith(f"{NAME}: ")
        assert all(c.isprintable() for c in str(error)), error
        return
    written = write(tokens)
    assert tokens == parse(written, NAME)
    assert written == write(parse(written, NAME))
