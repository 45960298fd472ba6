"""How long to wait before connecting again, and when not to."""

from __future__ import annotations

from typing import final

import attrs

from ..protocol.codes import FINAL_CLOSES, CloseCode

_FINAL_FROM, _FINAL_TO = 4400, 4500
_AGAIN = frozenset({CloseCode.NO_HELLO, CloseCode.TOO_MANY})
_HTTP_REFUSED_FROM, _HTTP_REFUSED_TO = 400, 500
_HTTP_AGAIN = frozenset({408, 425, 429})
_EXPONENT_MAX = 30


@final
@attrs.frozen
class BackOff:
    """
    Exponential, with full jitter: many clients that lost one gateway do not come back at once.

    Args:
      first_s: the longest wait after the first failure; it doubles with each.
      longest_s: the longest wait of all.
    """

    first_s: float = 0.1
    longest_s: float = 10.0

    def wait_s(self, failures: int, chance: float, asked_s: float | None = None) -> float:
        """
        How long to wait.

        Args:
          failures: how many connections in a row did not come about, or did not last.
          chance: a number from 0 to 1.
          asked_s: what the gateway asked to wait at least.
        """
        longest = min(self.longest_s, self.first_s * 2.0 ** min(failures, _EXPONENT_MAX))
        return max(0.0, asked_s or 0.0) + longest * chance


def is_final(close_code: int) -> bool:
    """Whether a client whose connection was closed so does not connect again."""
    if close_code in _AGAIN:
        return False
    return close_code in FINAL_CLOSES or _FINAL_FROM <= close_code < _FINAL_TO


def is_final_status(status: int) -> bool:
    """Whether a client whose handshake was answered so does not try again."""
    return _HTTP_REFUSED_FROM <= status < _HTTP_REFUSED_TO and status not in _HTTP_AGAIN
