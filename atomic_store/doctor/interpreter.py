"""What runs the library, and what is installed beside it."""

from __future__ import annotations

import platform
import re
import sys
from importlib import metadata
from typing import Final

from .facts import Package, Python
from .versions import name_in, package_of

DISTRIBUTION: Final = "trio-atomic-store"
_PYTHON: Final = re.compile(r"Programming Language :: Python :: (\d+)\.(\d+)")


def python_facts() -> Python:
    """Look at this interpreter and at the installed packages."""
    version = sys.version_info[:3]
    implementation, is_optimised = platform.python_implementation(), sys.flags.optimize > 0
    try:
        own = metadata.metadata(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return Python(version, implementation, is_optimised)
    tried = (_PYTHON.fullmatch(line) for line in own.get_all("Classifier") or ())
    return Python(
        version, implementation, is_optimised,
        own["Requires-Python"],
        tuple((int(found[1]), int(found[2])) for found in tried if found),
        _packages(metadata.requires(DISTRIBUTION) or []),
    )  # fmt: skip


def _packages(requirements: list[str]) -> tuple[Package, ...]:
    """Look each requirement up; the one of several extras once."""
    found: dict[tuple[str, str], Package] = {}
    for requirement in requirements:
        package = package_of(requirement, _installed(name_in(requirement)))
        if package is not None and package.name != DISTRIBUTION:
            found.setdefault((package.name, package.wanted), package)
    return tuple(found.values())


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except (metadata.PackageNotFoundError, ValueError):
        return None
