"""What is known of a machine and a place on it: values only. None says: it could not be told."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import final

import attrs


class PlaceKind(Enum):
    """What lies at the place."""

    STORE = "a store"
    DIRECTORY = "a directory without a store"
    NOTHING = "nothing yet"


@final
@attrs.frozen
class Place:
    """Where the store lies or would lie."""

    path: str
    kind: PlaceKind
    directory: str
    """The directory that is there: the place itself or, where nothing is, the one around it."""
    unwritable: tuple[str, ...] = ()
    """What this process may not write to, and a writer must."""
    others_may_read: bool = False
    """Users other than the owner may list a store's directory."""


@final
@attrs.frozen
class Mount:
    """The file system that the place is on."""

    type: str
    """As the system names it: ``"ext4"``, ``"fuse.sshfs"``."""
    source: str
    options: frozenset[str]
    """Those of the mount and of the file system together."""


@final
@attrs.frozen
class Device:
    """The block device below the file system."""

    name: str
    is_rotational: bool | None = None
    is_virtual: bool = False
    """A virtual machine's, or one that another device stands behind."""


class LockTrial(Enum):
    """What a second process got when it tried to lock a locked file."""

    REFUSED = "refused"
    GOT_IT = "got it"
    UNKNOWN = "unknown"


@final
@attrs.frozen
class Probe:
    """What a temporary file at the place showed."""

    directory: str
    """Where it was made."""
    error: str | None = None
    """What was refused, and why; None if all was done."""
    sync_seconds: tuple[float, ...] = ()
    """How long each fdatasync behind a small write took."""
    lock: LockTrial = LockTrial.UNKNOWN


@final
@attrs.frozen
class Room:
    """What is left on the file system."""

    free_bytes: int
    total_bytes: int
    free_inodes: int
    total_inodes: int
    """0 where inodes are made as they are needed."""


@final
@attrs.frozen
class Clock:
    """What the machine's clock says of itself."""

    now: datetime
    last_record: datetime | None = None
    """The time of the store's last record; None if there is none."""
    last_record_error: str | None = None
    """Why the last record could not be looked at."""
    step_seconds: float = 0.0
    """How much further it went than time did, while it was looked at."""
    is_synchronised: bool | None = None


@final
@attrs.frozen
class Limits:
    """What the system allows this process; None: as much as it likes."""

    file_bytes_max: int | None = None
    open_files_max: int | None = None


@final
@attrs.frozen
class Package:
    """A package that the library needs."""

    name: str
    wanted: str
    """Which versions: ``">=0.30"``."""
    installed: str | None
    """Its version; None if it is not there."""
    is_optional: bool = False


@final
@attrs.frozen
class Python:
    """What runs the library."""

    version: tuple[int, int, int]
    implementation: str
    is_optimised: bool
    """It was started with ``-O``: assertions are left out."""
    wanted: str | None = None
    """Which versions the library is for; None if it was not installed."""
    tried: tuple[tuple[int, int], ...] = ()
    """The versions that the library is tested with."""
    packages: tuple[Package, ...] = ()


@final
@attrs.frozen
class Facts:
    """All that the checks go by."""

    place: Place
    probe: Probe
    clock: Clock
    limits: Limits
    python: Python
    mount: Mount | None = None
    device: Device | None = None
    room: Room | None = None
