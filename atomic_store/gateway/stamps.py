"""What the gateway writes into a record's metadata: who proposed it, and who decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .. import jsonvalue
from ..errors import shown

BY: Final = "$by"
DECIDED_BY: Final = "$decided_by"
THE_GATEWAY: Final = "gateway"
"""Who decided where the gateway's own function did."""


def stamped(given: Mapping[str, Any] | None, by: str, decided_by: str | None) -> bytes:
    """The metadata that is stored: what the client gave, and the stamps."""
    metadata: dict[str, Any] = {**(given or {}), BY: by}
    if decided_by is not None:
        metadata[DECIDED_BY] = decided_by
    return jsonvalue.encode(metadata, root="metadata")


def is_by(metadata: bytes | None, principal: str) -> bool:
    """Whether stored metadata says that a principal proposed it."""
    if metadata is None:
        return False
    stored: Any = jsonvalue.decode(metadata)
    return isinstance(stored, Mapping) and stored.get(BY) == principal


def fault_in_given(metadata: Mapping[str, Any] | None) -> str | None:
    """Say what is wrong with metadata that a client gave, if anything is."""
    for key in metadata or {}:
        if key.startswith("$"):
            return f"metadata: expected keys that do not begin with `$`, found {shown(key)}"
    return None
