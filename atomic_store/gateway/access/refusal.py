"""Why a request to open a connection is refused."""

from __future__ import annotations

from typing import Final, final

import attrs

from ...errors import shown
from ..protocol.codes import CloseCode
from .tokens import redacted

REASON_BYTES_MAX: Final = 123
"""What fits a close frame (RFC 6455, section 5.5: 125 bytes, two of them the code)."""


@final
@attrs.frozen
class Refusal:
    """
    A request that is not served.

    A browser does not show a page why HTTP refused it: where it asks for an upgrade, accept,
    and close with code and reason.
    """

    status: int
    """What HTTP calls it: 400, 401 or 403."""
    close: CloseCode
    reason: str
    """For whoever called, and for the log: ASCII that fits a close frame, without any token."""


def refused(status: int, place: str, expected: str, found: object) -> Refusal:
    """
    Refuse.

    Args:
      status: 401 for a token that cannot be one, else 400 or 403.
      place: the header's name, or what else is not as it should be.
      found: what is there instead; a string is taken as words, bytes are shown.
    """
    close = CloseCode.UNAUTHORIZED if status == 401 else CloseCode.FORBIDDEN
    if isinstance(found, bytes):
        # Without tokens before it is cut: half of one would not be known for what it is.
        found = shown(redacted(found[:1_000].decode("latin-1")), 40)
    text = f"{place}: expected {expected}, found {found}".encode("ascii", "replace")
    return Refusal(status, close, text[:REASON_BYTES_MAX].decode())
