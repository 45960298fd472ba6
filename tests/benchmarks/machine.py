"""What the figures were measured on: they mean nothing without it."""

from __future__ import annotations

import gc
import os
import platform
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .databases import sqlite_synchronous_default

_IN_MEMORY = frozenset({"tmpfs", "ramfs"})


def file_system(directory: Path) -> str:
    """The type of the file system that a directory lies on, as Linux calls it."""
    best, found = -1, "unknown"
    place = directory.resolve()
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8")
    except FileNotFoundError:
        return found
    for mount in mounts.splitlines():
        _, point, kind, *_ = mount.split(" ")
        if place.is_relative_to(point) and len(point) > best:
            best, found = len(point), kind
    return found


def is_in_memory(directory: Path) -> bool:
    """Whether syncing costs nothing there, so that nothing measured there means anything."""
    return file_system(directory) in _IN_MEMORY


def facts(directory: Path, rounds: int) -> list[str]:
    """What to know about a run, a line each."""
    return [
        f"measured on {datetime.now(UTC):%Y-%m-%d}, {rounds} rounds",
        f"{_cpu()}, {os.cpu_count()} cores, {_memory()}",
        f"{platform.system()} {platform.release()}, {file_system(directory)}",
        _python(),
        ", ".join(f"{name} {_version(name)}" for name in ("trio", "msgspec", "attrs")),
        f"sqlite {sqlite3.sqlite_version}, synchronous={sqlite_synchronous_default()} unless set",
        ", ".join(f"{name} {_version(name)}" for name in ("eventsourcing", "umadb")),
        ", ".join(f"{name} {_version(name)}" for name in ("trio-websocket", "websockets")),
    ]


def _python() -> str:
    collection = "on" if gc.isenabled() else "off"
    name = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{name}, garbage collection {collection} for all"


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    except FileNotFoundError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> str:
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{size / 2**30:.1f} GiB memory"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
