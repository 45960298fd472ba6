"""
Who may come in, and what he may do there.

In this room: tokens and the file that they lie in, which of them a request offers, and
from which pages and under which names the gateway may be called. What decides is pure;
`token_file` reads the file and watches it, `token_changes` writes it.
"""

from __future__ import annotations

from .lookup import Tokens
from .offers import offered_token, subprotocols
from .origins import Origins
from .refusal import Refusal
from .token_file import TokenFile
from .token_text import BadTokenFile
from .tokens import Known

__all__ = [
    "BadTokenFile",
    "Known",
    "Origins",
    "Refusal",
    "TokenFile",
    "Tokens",
    "offered_token",
    "subprotocols",
]
