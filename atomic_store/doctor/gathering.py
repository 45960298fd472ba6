"""Gathers the facts about a place: the one part of a doctor that looks at the machine."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from ..errors import AtomicStoreError, NotAStore
from ..journal.disk import OSDisk
from ..journal.layout import INDEX, JOURNAL, LOCK, SNAPSHOTS, STORE
from ..journal.stock import take_stock
from .devices import device_of
from .facts import Clock, Facts, Place, PlaceKind, Room
from .interpreter import python_facts
from .kernel import is_clock_synchronised, limits
from .mounts import mount_of
from .probing import probe


def gather(path: str | os.PathLike[str]) -> Facts:
    """
    Look at a place and at the machine around it.

    Raises:
      NotAStore: the path names something else, or the directory around it is not there.
    """
    wall, steady = time.time(), time.monotonic()
    place = place_at(OSDisk().resolve(path))
    directory = place.directory
    probed = probe(_beside(place))
    last_record, problem = _last_record(place)
    # Reading both clocks twice takes microseconds: what they differ by more is a step.
    step = (time.time() - wall) - (time.monotonic() - steady)
    clock = Clock(datetime.now(UTC), last_record, problem, step, is_clock_synchronised())
    mountinfo = _content("/proc/self/mountinfo")
    real = os.fsencode(os.path.realpath(directory))
    return Facts(
        place, probed, clock, limits(), python_facts(),
        None if mountinfo is None else mount_of(real, mountinfo),
        device_of(Path(directory).stat().st_dev), _room(directory),
    )  # fmt: skip


def place_at(path: str) -> Place:
    """
    Say what lies at an absolute path.

    Raises:
      NotAStore: something that is neither a store nor a directory, or nothing around it.
    """
    try:
        found = Path(path)
        if found.is_dir():
            is_store = any((found / name).exists() for name in (STORE, JOURNAL))
            kind = PlaceKind.STORE if is_store else PlaceKind.DIRECTORY
            mode = found.stat().st_mode
            return Place(path, kind, path, _unwritable(found, kind), bool(mode & 0o077))
        if found.exists() or found.is_symlink():
            raise NotAStore(f"expected a directory at {path}, found something else")
        if not found.parent.is_dir():
            raise NotAStore(
                f"expected a directory in which {path} could be made, found no {found.parent}"
            )
    except OSError as error:
        raise NotAStore(
            f"{path}: expected a directory, found that it cannot be looked at: {error.strerror}"
        ) from error
    around = str(found.parent)
    return Place(path, PlaceKind.NOTHING, around, _unwritable(found.parent, PlaceKind.NOTHING))


def _unwritable(directory: Path, kind: PlaceKind) -> tuple[str, ...]:
    """Find what a writer must write to, and this process may not."""
    paths = [directory]
    if kind is PlaceKind.STORE:
        folders = [directory / name for name in (JOURNAL, INDEX, SNAPSHOTS)]
        paths += [path for path in (*folders, directory / LOCK) if path.exists()]
        # The others are never written to again.
        paths += sorted((directory / JOURNAL).glob("*.jsonl"))[-1:]
    return tuple(str(path) for path in paths if not _may_write(path))


def _may_write(path: Path) -> bool:
    needed = os.W_OK | (os.X_OK if path.is_dir() else 0)
    return os.access(path, needed, effective_ids=os.access in os.supports_effective_ids)


def _beside(place: Place) -> str:
    """
    Say where a temporary file tells of the place: beside a store, not in it.

    Only a store that is a mount of its own, or whose surroundings are not this user's, has it
    in its directory, where other names are ignored.
    """
    if place.kind is not PlaceKind.STORE:
        return place.directory
    directory = Path(place.directory)
    around = directory.resolve().parent
    with suppress(OSError):
        if around.stat().st_dev == directory.stat().st_dev and _may_write(around):
            return str(around)
    return place.directory


def _last_record(place: Place) -> tuple[datetime | None, str | None]:
    """Give the time of a store's last record; or why it could not be read."""
    if place.kind is not PlaceKind.STORE:
        return None, None
    try:
        at = take_stock(place.path).at
        return (datetime.fromisoformat(at) if at else None), None
    except (AtomicStoreError, ValueError) as error:
        return None, str(error)


def _room(directory: str) -> Room | None:
    try:
        found = os.statvfs(directory)
    except OSError:
        return None
    size = found.f_frsize or found.f_bsize
    return Room(found.f_bavail * size, found.f_blocks * size, found.f_favail, found.f_files)


def _content(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except OSError:
        return None
