"""Running the real program, and reading what it printed and stored."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from atomic_store.cli import main

ROOT = Path(__file__).parent.parent
REAL_BIDS = ROOT / "docs" / "examples" / "ebay-bids.csv"
HEADER = "lot,bid,days_after_open,bidder,opening_bid,final_price,item\n"
READING = ("scopes", "events", "verify")

# A name that would colour a terminal, move its cursor, and turn its writing around.
HOSTILE = "\x1b[31mred\x9b2J\u202eevil\x7f\u2028\t"
COUNTS = re.compile(
    r"(?P<bids>[\d,]+) bids?: (?P<accepted>[\d,]+) accepted, (?P<refused>[\d,]+) refused, "
    r"(?P<duplicates>[\d,]+) duplicates?; [\d,]+ durable decisions in [\d.]+ s, [\d,]+ a second"
)


def atomic_store(
    *arguments: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run the real program to its end."""
    return subprocess.run(
        command(*arguments), capture_output=True, cwd=cwd, env=environment(env), timeout=120
    )


def called(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run the program in this process, which is quicker: for what needs no process of its own."""
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    with redirect_stdout(stdout), redirect_stderr(stderr):
        code = main([*map(str, arguments)])
    printed = [stream.buffer.getvalue() for stream in (stdout, stderr)]
    return subprocess.CompletedProcess(["atomic-store", *map(str, arguments)], code, *printed)


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "atomic_store", *map(str, arguments)]


def environment(more: dict[str, str] | None = None) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **(more or {})}


def lines_of(run: subprocess.CompletedProcess[bytes]) -> list[str]:
    """What it printed, if all went well."""
    assert (b"", 0) == (run.stderr, run.returncode)
    return run.stdout.decode().splitlines()


def refusal(run: subprocess.CompletedProcess[bytes]) -> str:
    """What it complained of: on stderr alone, each line with the program's name."""
    complaint = run.stderr.decode()
    assert b"" == run.stdout
    assert all(line.startswith("atomic-store: ") for line in complaint.splitlines())
    return complaint


def counts(lines: list[str]) -> tuple[int, int, int, int]:
    """Bids, accepted, refused and duplicates, as the demo counted them."""
    (match,) = filter(None, map(COUNTS.fullmatch, lines))
    bids, accepted, refused, duplicates = (int(n.replace(",", "")) for n in match.groups())
    return bids, accepted, refused, duplicates


def journal_lines(store: Path) -> list[bytes]:
    """The lines of all records, as they lie on disk."""
    segments = sorted((store / "journal").glob("*.jsonl"))
    lines = [line for segment in segments for line in segment.read_bytes().split(b"\n")]
    return [line for line in lines if line.startswith(b'{"position":')]
