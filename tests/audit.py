"""
Are the packages that users get those that were reviewed, and is anything known against them?

`.ci/requirements.txt` has the versions that docs/dependencies.md speaks of, with the hashes of
their files. `main()` compares what is installed with that list, then asks pip-audit. Where its
database cannot be reached, pip-audit itself says that all is well: here that is said to be what
it is.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import attrs

ROOT: Final = Path(__file__).resolve().parent.parent
LOCK: Final = ROOT / ".ci" / "requirements.txt"
PAGE: Final = ROOT / "docs" / "dependencies.md"
DISTRIBUTION: Final = "trio-atomic-store"

_PIN = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[^\s;\\]+)(?P<rest>.*)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NAME = re.compile(r"[\w.-]+")

POWERS: Final[dict[str, tuple[str, ...]]] = {
    "network": ("socket", "ssl", "http", "urllib.request", "socketserver"),
    "processes": ("subprocess", "multiprocessing", "pty", "os.fork", "os.system", "os.execv"),
    "native calls": ("ctypes", "cffi", "_cffi_backend"),
    "unpickling": ("pickle", "shelve", "marshal"),
}
"""What a package may do, by what its modules import or call."""
CODE: Final = ("exec", "eval", "compile")
NOT_RUN: Final = frozenset({"tests", "_tests", "_tools"})
"""Folders of packages that nobody imports who uses them."""


@attrs.frozen
class Pin:
    """A version that was reviewed."""

    version: str
    hashes: frozenset[str]


@attrs.frozen
class Audit:
    """What pip-audit has said."""

    audited: tuple[str, ...]
    skipped: tuple[str, ...]
    """Of these its database says nothing."""
    known: tuple[str, ...]
    """What is known against which package."""


def normal(name: str) -> str:
    """A distribution's name as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(text: str) -> dict[str, Pin]:
    """
    Read a list of pins with their hashes.

    Raises:
      ValueError: a line is no pin, or has no hash.
    """
    pins = {}
    for line in text.replace("\\\n", " ").splitlines():
        line = line.partition("#")[0].strip()
        if not line:
            continue
        found, hashes = _PIN.fullmatch(line), frozenset(_HASH.findall(line))
        if found is None or not hashes:
            raise ValueError(f"expected name==version and hashes, found {line[:80]!r}")
        pins[normal(found["name"])] = Pin(found["version"], hashes)
    return pins


def needed(name: str = DISTRIBUTION, extras: Iterable[str] = ("all",)) -> dict[str, str | None]:
    """Give all that a distribution needs on this system, and what needs it, with versions."""
    from packaging.requirements import Requirement

    found: dict[str, str | None] = {}
    todo = [(name, tuple(extras))]
    while todo:
        name, wanted = todo.pop()
        for text in metadata.requires(name) or ():
            requirement = Requirement(text)
            environments = [{"extra": extra} for extra in wanted] or [{"extra": ""}]
            marker = requirement.marker
            if marker is not None and not any(map(marker.evaluate, environments)):
                continue
            other = normal(requirement.name)
            if other not in found:
                found[other] = _installed(other)
                if found[other] is not None:
                    todo.append((other, tuple(requirement.extras)))
    found.pop(DISTRIBUTION, None)
    return found


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def differences(pins: Mapping[str, Pin], installed: Mapping[str, str | None]) -> list[str]:
    """Say what is installed and was not reviewed; what is not installed does not matter."""
    found = []
    for name, version in sorted(installed.items()):
        reviewed = pins[name].version if name in pins else "none"
        if version is not None and version != reviewed:
            found.append(f"{name} {version} is installed, reviewed was {reviewed}")
    return found


def audit_of(text: str) -> Audit:
    """
    Read what pip-audit has written as JSON.

    Raises:
      ValueError: it is something else.
    """
    try:
        packages: list[dict[str, Any]] = json.loads(text)["dependencies"]
        skipped = tuple(p["name"] for p in packages if "skip_reason" in p)
        audited = tuple(p["name"] for p in packages if "vulns" in p)
        known = tuple(
            f"{p['name']} {p['version']}: {v['id']}, mended in "
            f"{', '.join(v['fix_versions']) or 'no version'}"
            for p in packages
            for v in p.get("vulns", ())
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"expected what pip-audit writes, found {text[:80]!r}") from error
    return Audit(audited, skipped, known)


def powers_of(sources: Iterable[str]) -> set[str]:
    """Say what modules may do, as far as their imports and calls show it."""
    found: set[str] = set()
    for source in sources:
        tree = ast.parse(source)
        named = set(_named(tree))
        for power, names in POWERS.items():
            if any(n == name or n.startswith(f"{name}.") for n in named for name in names):
                found.add(power)
        if any(
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CODE
            for node in ast.walk(tree)
        ):
            found.add("makes code")
    return found


def _named(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"


def installed_powers(name: str) -> set[str]:
    """Say what an installed distribution may do: its modules, but for tests of its own."""
    files = metadata.files(name) or []
    paths = [f for f in files if f.suffix == ".py" and not NOT_RUN.intersection(f.parts)]
    found = powers_of(file.read_text("utf-8") for file in paths)
    if any(file.suffix in (".so", ".pyd", ".dylib") for file in files):
        found.add("native code")
    if any(file.suffix == ".pth" for file in files):
        found.add("runs at start")
    return found


@attrs.frozen
class Reviewed:
    """A row of docs/dependencies.md."""

    version: str
    powers: frozenset[str]
    cells: tuple[str, ...]
    """All that stands in it."""


def reviewed(page: str) -> dict[str, Reviewed]:
    """Read the tables of a page: name, version, why, licence, keeper, what it may do, review."""
    found = {}
    for line in page.splitlines():
        cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
        if line.startswith("| `") and len(cells) == 7:
            powers = frozenset(power.strip() for power in cells[5].split(",")) - {"nothing"}
            found[cells[0].strip("`")] = Reviewed(cells[1], powers, cells)
    return found


def other_powers(rows: Mapping[str, Reviewed], names: Iterable[str]) -> list[str]:
    """Say which installed packages may do something else than their row says."""
    found = []
    for name in names:
        row = rows.get(name)
        if row is None or row.version != _installed(name):
            continue
        may = installed_powers(name)
        if may != row.powers:
            found.append(f"{name} may: {', '.join(sorted(may)) or 'nothing'}")
    return found


def main() -> int:
    """Compare, and audit; 1 if something was not reviewed, or something is known."""
    pins = locked(LOCK.read_text("utf-8"))
    changed = differences(pins, needed())
    changed += other_powers(reviewed(PAGE.read_text("utf-8")), needed())
    for line in changed:
        print(f"not reviewed: {line}")
    if not changed:
        print(f"all of {len(needed())} packages are of the versions that were reviewed")
    run = subprocess.run(
        [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off",
         "--disable-pip", "--require-hashes", "-r", str(LOCK)],
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    try:
        audit = audit_of(run.stdout)
    except ValueError:
        why = (run.stderr.strip().splitlines() or ["it said nothing"])[-1]
        print(f"NOT AUDITED: pip-audit could not do it ({why[:200]})")
        return 1 if changed else 0
    if audit.skipped:
        print(
            f"NOT AUDITED: {len(audit.skipped)} of {len(pins)} packages are not in the database "
            f"that could be reached: {', '.join(audit.skipped)}"
        )
    for line in audit.known:
        print(f"known: {line}")
    print(f"audited: {len(audit.audited)} packages, {len(audit.known)} known faults")
    return 1 if changed or audit.known else 0


if __name__ == "__main__":
    sys.exit(main())
