"""
Tokens: what they look like, what is kept of them, and whose one is.

A token is ``as1_`` and 32 random bytes in URL-safe base64. Only its SHA-256 is kept. That
is enough for it, where it would not be for a password: nobody can guess 256 random bits,
so there is nothing that salt or a slow hash would make harder. A slow hash would only let
strangers keep the gateway busy.

A token's id, by which people name it, is the beginning of its hash, as a fingerprint is.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from datetime import datetime
from hashlib import sha256
from typing import Final, final

import attrs

from ...errors import shown
from ..protocol.rights import Principal

PREFIX: Final = "as1_"
"""What every token begins with, so that people and scanners for secrets know one."""
SECRET_BYTES: Final = 32
ID_LENGTH: Final = 12
"""48 bits: among 10,000 tokens two have the same one with a chance of 1 to 5 million."""

TOKENS_MAX: Final = 10_000
PREFIXES_MAX: Final = 100
"""How many prefixes one right of a token may have."""
PREFIX_BYTES_MAX: Final = 512
"""As long as the name of a scope may be."""
PRINCIPAL_BYTES_MAX: Final = 128
NOTE_BYTES_MAX: Final = 512

_TOKEN = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}", re.ASCII)
# With what stands for one that was left out before: doing so twice changes nothing.
_LOOKS_LIKE_ONE = re.compile(PREFIX + r"[A-Za-z0-9_%=+/-]*…?", re.ASCII | re.IGNORECASE)
_NO_SCOPE = re.compile("[\0\ud800-\udfff]")


@final
@attrs.frozen
class Known:
    """Somebody whose token is valid."""

    id: str
    """The token's."""
    principal: Principal
    expires: datetime | None
    """When the token ceases to count, in UTC; None for never."""


@final
@attrs.frozen(kw_only=True)
class Entry:
    """What is kept of a token."""

    sha256: bytes = attrs.field(repr=False)
    principal: Principal
    created: datetime
    """In UTC, as all times here."""
    expires: datetime | None = None
    note: str | None = None

    @property
    def id(self) -> str:
        """The public name of the token: the beginning of its hash."""
        return id_of(self.sha256)

    @property
    def known(self) -> Known:
        """Whom the token stands for."""
        return Known(self.id, self.principal, self.expires)

    def has_expired(self, now: datetime) -> bool:
        """Whether it counts no more."""
        return self.expires is not None and self.expires <= now


@final
@attrs.frozen
class TokenSet:
    """
    All tokens that there are.

    Raises:
      ValueError: two have the same id, or there are more than `TOKENS_MAX`.
    """

    entries: tuple[Entry, ...] = ()
    _by_id: dict[str, Entry] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        by_id = {entry.id: entry for entry in self.entries}
        if len(by_id) < len(self.entries):
            raise ValueError("expected each token once, found two with the same id")
        if len(by_id) > TOKENS_MAX:
            raise ValueError(f"expected at most {TOKENS_MAX:,} tokens, found {len(by_id):,}")
        object.__setattr__(self, "_by_id", by_id)

    def lookup(self, token: str, now: datetime) -> Known | None:
        """Whose token this is; None if it is nobody's, or has expired."""
        if _TOKEN.fullmatch(token) is None:
            return None
        digest = digest_of(token)
        # The id is public, so how long it takes to find may be seen. Whether the rest of the
        # hash is right may not: all of it is compared, in constant time, whoever was found.
        entry = self._by_id.get(id_of(digest), _NOBODY)
        is_right = hmac.compare_digest(entry.sha256, digest)
        if not is_right or entry is _NOBODY or entry.has_expired(now):
            return None
        return entry.known

    def still_valid(self, id: str, now: datetime) -> Principal | None:  # noqa: A002 - it is one
        """Whom the token with this id stands for; None if there is none, or it has expired."""
        entry = self._by_id.get(id)
        return None if entry is None or entry.has_expired(now) else entry.principal

    def valid(self, now: datetime) -> dict[str, Known]:
        """All that count, by their ids."""
        return {e.id: e.known for e in self.entries if not e.has_expired(now)}

    def next_expiry(self, now: datetime) -> datetime | None:
        """When the next of those that count will have expired."""
        moments = (e.expires for e in self.entries if not e.has_expired(now))
        return min((moment for moment in moments if moment is not None), default=None)

    def get(self, id: str) -> Entry | None:  # noqa: A002 - it is one
        """The token with this id, valid or not."""
        return self._by_id.get(id)

    def with_one_more(self, entry: Entry) -> TokenSet:
        """These tokens and another one."""
        return TokenSet((*self.entries, entry))

    def without(self, id: str) -> TokenSet:  # noqa: A002 - it is one
        """These tokens but for one."""
        return TokenSet(tuple(e for e in self.entries if e.id != id))


def make_token(secret: bytes) -> str:
    """
    Make a token.

    Args:
      secret: 32 bytes that nobody can guess.
    """
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"expected {SECRET_BYTES} random bytes, found {len(secret)}")
    return PREFIX + urlsafe_b64encode(secret).rstrip(b"=").decode("ascii")


def digest_of(token: str) -> bytes:
    """What is kept of a token: its SHA-256."""
    return sha256(token.encode()).digest()


def id_of(digest: bytes) -> str:
    """The id of the token with this hash."""
    return digest.hex()[:ID_LENGTH]


def redacted(text: str) -> str:
    """A text without what may be a token in it, whole or in part: for messages and logs."""
    return _LOOKS_LIKE_ONE.sub(PREFIX + "…", text)


# --- what may be kept ------------------------------------------------------------------


@final
@attrs.frozen
class Fault:
    """Why a text may not be kept."""

    expected: str
    found: str

    def __str__(self) -> str:
        return f"expected {self.expected}, found {self.found}"


def principal_fault(name: str) -> Fault | None:
    """Why this is no principal's name; None if it is one. It goes into records and logs."""
    return _fault(name, 1, PRINCIPAL_BYTES_MAX, printable=True)


def prefix_fault(prefix: str) -> Fault | None:
    """Why no scope can begin with this; None if one can. All begin with the empty one."""
    return _fault(prefix, 0, PREFIX_BYTES_MAX, printable=False)


def note_fault(note: str) -> Fault | None:
    """Why this is no note; None if it is one."""
    return _fault(note, 0, NOTE_BYTES_MAX, printable=True)


def _fault(text: str, size_min: int, size_max: int, *, printable: bool) -> Fault | None:
    size = len(text.encode("utf-8", "surrogatepass"))
    is_clean = text.isprintable() if printable else _NO_SCOPE.search(text) is None
    if size_min <= size <= size_max and is_clean:
        return None
    kind = "printable characters" if printable else "UTF-8 without NUL"
    return Fault(f"{size_min} to {size_max} bytes of {kind}", redacted(shown(text)))


_NOBODY = Entry(
    # No token has this hash: at least, nobody will ever find one.
    sha256=bytes(32), principal=Principal("", {}), created=datetime.min,
)  # fmt: skip
