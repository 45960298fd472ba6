"""Records as text to be taken away: the same as the command line prints."""

from __future__ import annotations

from atomic_store.cli.export import CSV_COLUMNS, csv_lines, json_line, json_lines

__all__ = ["CSV_COLUMNS", "csv_lines", "json_line", "json_lines"]
