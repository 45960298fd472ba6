"""``python -m inspector`` is ``atomic-store inspect``."""

from __future__ import annotations

import sys

from atomic_store.cli import main

if __name__ == "__main__":
    sys.exit(main(["inspect", *sys.argv[1:]]))
