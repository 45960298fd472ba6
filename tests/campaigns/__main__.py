"""`python -m tests.campaigns [NAME…]`: run campaigns, one after the other; without names, all."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

CAMPAIGNS: Final[dict[str, tuple[str, ...]]] = {
    "conversations": ("--seeds", "20000"),
    "networks": (),
    "storms": ("--storms", "20", "--seconds", "20"),
}
"""Each is a module here with a `main`, and what that is called with; it gives an exit code."""
SKIPPED: Final = 77


def main(arguments: Sequence[str] | None = None) -> int:
    """Run campaigns; 1 if one of them found something, or could not run."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns", description=__doc__)
    parser.add_argument("campaigns", nargs="*", metavar="NAME", help=", ".join(CAMPAIGNS))
    names = parser.parse_args(arguments).campaigns or [*CAMPAIGNS]
    unknown = [name for name in names if name not in CAMPAIGNS]
    if unknown:
        parser.error(f"expected {', '.join(CAMPAIGNS)}, found {', '.join(unknown)}")
    codes = {}
    for name in names:
        print(f"=== {name}", flush=True)
        codes[name] = import_module(f".{name}", __package__).main(CAMPAIGNS[name])
    for name, code in codes.items():
        print(f"{name}: {'skipped' if code == SKIPPED else code}")
    return int(any(code not in (0, SKIPPED) for code in codes.values()))


if __name__ == "__main__":
    sys.exit(main())
