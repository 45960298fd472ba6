"""What the gateway writes into the log: one line for each event that matters, never a token."""

from __future__ import annotations

import logging
from typing import Any, Final

from ..errors import shown

logger: Final = logging.getLogger("atomic_store.gateway")


def note(event: str, **fields: Any) -> None:
    """
    Log an event, as `event key=value …`; a handler finds the fields in `record.fields`.

    Args:
      event: what happened, in words that stay the same.
      fields: what about it; nothing that is secret.
    """
    if logger.isEnabledFor(logging.INFO):
        words = " ".join(f"{name}={shown(value)}" for name, value in fields.items())
        logger.info("%s %s", event, words, extra={"event": event, "fields": fields})
