"""`python -m tests.campaigns.fuzz TARGET`: feed a target, or all, with what atheris makes up."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import TARGETS, corpus, target
from .keeping import keep

INPUT_BYTES_MAX = 2_048
INPUT_SECONDS_MAX = 10


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.fuzz", description=__doc__)
    parser.add_argument("target", choices=(*TARGETS, "all"))
    parser.add_argument("--seconds", type=int, default=300, help="how long (300)")
    parser.add_argument("--found", type=Path, help="a folder to keep what reaches new code")
    parser.add_argument(
        "--keep", action="store_true",
        help="do not search: bring tests/corpus up to date with what is in --found",
    )  # fmt: skip
    return parser.parse_args(arguments)


def options(asked: argparse.Namespace, found: Path) -> list[str]:
    """What libFuzzer is told."""
    kept = corpus(asked.target)
    kept.mkdir(parents=True, exist_ok=True)
    return [
        f"-max_len={INPUT_BYTES_MAX}", f"-timeout={INPUT_SECONDS_MAX}", "-print_final_stats=1",
        f"-max_total_time={asked.seconds}", f"-artifact_prefix={found}/", str(found), str(kept),
    ]  # fmt: skip


def _search_all(seconds: int) -> int:
    """Search with each target in a process of its own, until one fails; gives its exit status."""
    for name in TARGETS:
        command = [sys.executable, "-m", "tests.campaigns.fuzz", name, "--seconds", str(seconds)]
        status = subprocess.run(command).returncode
        if status:
            return status
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Search; the process ends with libFuzzer's own exit status, 77 for a broken property."""
    asked = _arguments(arguments)
    if asked.target == "all":
        return _search_all(asked.seconds)
    if asked.keep:
        count = keep(corpus(asked.target), target(asked.target), asked.found)
        print(f"{count} inputs are kept for {asked.target}")
        return 0
    try:
        atheris: Any = __import__("atheris")
    except ImportError:
        print("atheris is not installed: pip install --group fuzz", file=sys.stderr)
        return 2
    found = asked.found or Path(tempfile.mkdtemp(prefix=f"fuzz-{asked.target}-"))
    found.mkdir(parents=True, exist_ok=True)
    with atheris.instrument_imports(include=["atomic_store"], enable_loader_override=False):
        fuzz = target(asked.target)
    print(f"what reaches new code, and what fails, is kept in {found}", file=sys.stderr)
    atheris.Setup([sys.argv[0], *options(asked, found)], fuzz)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
