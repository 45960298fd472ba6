"""
By what rule everything is decided here, and how whoever decides says what he saw. Pure.

Whether an event is accepted depends on how many events there are before it, and the
decision's `meta` tells how many, and which. So a round that did not see exactly its past
shows in the journal itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any


def accepts(cents: int, past: int) -> bool:
    """Whether an event is accepted behind so many others: four of five are."""
    return cents % 5 != past % 5


def seen(ids: Iterable[str]) -> dict[str, Any]:
    """What a decider says that it saw: the past's proposals, in order."""
    found = list(ids)
    digest = blake2b("".join(found).encode(), digest_size=8).hexdigest()
    return {"saw": len(found), "digest": digest}
