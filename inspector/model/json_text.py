"""Any Python value as JSON text: the same as the command line prints."""

from __future__ import annotations

from atomic_store.cli.json_text import TEXT_BYTES_MAX, json_text

__all__ = ["TEXT_BYTES_MAX", "json_text"]
