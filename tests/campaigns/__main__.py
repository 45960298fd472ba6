"""`python -m tests.campaigns [NAME…]`: run campaigns, one after the other; without names, all."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

CAMPAIGNS: Final[dict[str, tuple[str | int, ...]]] = {
    "simulation": ("--seeds", 100_000),
    "conversations": ("--seeds", 20_000),
    "kills": ("--cycles", 10_000),
    "nth": ("--every",),
    "power_loss": ("--every", "--mixtures", 4),
    "full_disks": (),
    "locks": ("--rounds", 100),
    "networks": (),
    "storms": ("--storms", 20, "--seconds", "20"),
    "flips": (),
}
"""Each is a module here, and what it is run with; `--scale` multiplies numbers."""
SKIPPED: Final = 77


def main(arguments: Sequence[str] | None = None) -> int:
    """Run campaigns, each in a process of its own; 1 if one of them found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns", description=__doc__)
    parser.add_argument("campaigns", nargs="*", metavar="NAME", help=", ".join(CAMPAIGNS))
    parser.add_argument("--scale", type=int, default=1, help="how many times as many cases")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.campaigns if name not in CAMPAIGNS]
    if unknown:
        parser.error(f"expected {', '.join(CAMPAIGNS)}, found {', '.join(unknown)}")
    codes = {}
    for name in asked.campaigns or CAMPAIGNS:
        print(f"=== {name}", flush=True)
        given = [str(a * asked.scale) if isinstance(a, int) else a for a in CAMPAIGNS[name]]
        codes[name] = subprocess.run(
            [sys.executable, "-m", f"tests.campaigns.{name}", *given],
            cwd=Path(__file__).parent.parent.parent, check=False,
        ).returncode  # fmt: skip
    for name, code in codes.items():
        print(f"{name}: {'skipped' if code == SKIPPED else code}")
    return int(any(code not in (0, SKIPPED) for code in codes.values()))


if __name__ == "__main__":
    sys.exit(main())
