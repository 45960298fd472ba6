"""Tokens that are the same in every run, and token files without a disk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import trio

from atomic_store.gateway.access.token_file import Content
from atomic_store.gateway.access.token_text import write
from atomic_store.gateway.access.tokens import Entry, TokenSet, digest_of, make_token
from atomic_store.gateway.protocol.rights import Principal, Right

NOW = datetime(2026, 11, 23, 15, 4, 5, tzinfo=UTC)


def token(number: int) -> str:
    """A token, another one for each number."""
    return make_token(number.to_bytes(32, "big"))


def entry(
    number: int,
    name: str = "ada",
    *,
    expires: datetime | None = None,
    note: str | None = None,
    read: tuple[str, ...] = ("",),
) -> Entry:
    """What is kept of the token with this number."""
    return Entry(
        sha256=digest_of(token(number)),
        principal=Principal(name, {Right.READ: read}),
        created=NOW,
        expires=expires,
        note=note,
    )


def tokens(*entries: Entry) -> TokenSet:
    """A set of tokens."""
    return TokenSet(entries)


def trio_now() -> datetime:
    """A clock that goes with Trio's, from `NOW` on."""
    return NOW + timedelta(seconds=trio.current_time())


@attrs.define(eq=False)
class FakeSource:
    """A token file in memory, which can be changed and made to fail."""

    text: bytes
    mode: int = 0o600
    error: OSError | None = None
    uses_threads: bool = False

    def read(self) -> Content:
        """Give what it holds now."""
        if self.error is not None:
            raise self.error
        return Content(self.text, self.mode)

    def put(self, *entries: Entry) -> None:
        """Put other tokens into it."""
        self.text = write(TokenSet(entries))


def source(*entries: Entry) -> FakeSource:
    """A token file in memory with these tokens."""
    return FakeSource(write(TokenSet(entries)))
