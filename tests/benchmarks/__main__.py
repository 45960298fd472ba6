"""`python -m tests.benchmarks`: measure, and print one table."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from .gateway_rows import GATEWAY_ROWS
from .inspector_rows import INSPECTOR_ROWS
from .machine import facts, is_in_memory
from .plot import draw, lines_of
from .reading_rows import READING_ROWS
from .rows import ROWS
from .runner import run
from .sizes import FULL, QUICK
from .table import as_json, put_between_markers, table

TABLES = {
    "benchmarks": ROWS,
    "reading": READING_ROWS,
    "gateway": GATEWAY_ROWS,
    "inspector": INSPECTOR_ROWS,
}
"""By the name in the markers of docs/performance.md."""


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [row.name for rows in TABLES.values() for row in rows]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, help="how many rounds (default: 5; 1 with --quick)")
    parser.add_argument("--only", action="append", choices=names, help="a row; may be repeated")
    parser.add_argument("--table", choices=TABLES, default="benchmarks", help="which rows")
    parser.add_argument("--quick", action="store_true", help="small sizes, for a look")
    parser.add_argument("--directory", type=Path, default=Path(), help="a place on the disk to use")
    parser.add_argument("--markdown", type=Path, help="a document to put the table into")
    parser.add_argument("--json", type=Path, help="a file to write all figures to")
    parser.add_argument("--plot", type=Path, help="an SVG file to draw how costs grow")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks; gives the exit status, which a missed goal does not change."""
    asked = _arguments(arguments)
    rounds = asked.rounds or (1 if asked.quick else 5)
    rows = [row for row in TABLES[asked.table] if not asked.only or row.name in asked.only]
    if is_in_memory(asked.directory):
        print(f"{asked.directory.resolve()} is in memory: use --directory", file=sys.stderr)
        return 2
    began = time.monotonic()
    parent = Path(tempfile.mkdtemp(prefix=".benchmarks-", dir=asked.directory))
    try:
        known = facts(parent, rounds)
        if asked.quick:
            known.insert(0, "small sizes (`--quick`), only for a look")
        measured = run(
            rows,
            QUICK if asked.quick else FULL,
            rounds,
            parent,
            lambda line: print(f"{time.monotonic() - began:6.1f} s  {line}", file=sys.stderr),
        )
    finally:
        shutil.rmtree(parent)
    content = "\n".join([table(measured), "", *(f"- {fact}" for fact in known)])
    print(content)
    if asked.markdown:
        document = asked.markdown.read_text(encoding="utf-8")
        asked.markdown.write_text(
            put_between_markers(document, content, asked.table), encoding="utf-8"
        )
    if asked.json:
        found = {"machine": known, "rows": as_json(measured)}
        asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if asked.plot:
        draw(lines_of(measured), asked.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
