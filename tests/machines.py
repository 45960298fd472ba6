"""A machine on which nothing is odd, for the tests of the doctor: each changes what it is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from atomic_store.doctor.facts import (
    Clock,
    Device,
    Facts,
    Limits,
    LockTrial,
    Mount,
    Package,
    Place,
    PlaceKind,
    Probe,
    Python,
    Room,
)

NOW: Final = datetime(2026, 11, 23, 15, 4, 5, tzinfo=UTC)

SOUND: Final = Facts(
    place=Place("/srv/shop.store", PlaceKind.STORE, "/srv/shop.store"),
    probe=Probe("/srv", None, (0.0011, 0.0009, 0.0031), LockTrial.REFUSED),
    clock=Clock(NOW, NOW, is_synchronised=True),
    limits=Limits(None, 65_536),
    python=Python(
        (3, 12, 4), "CPython", False, ">=3.11", ((3, 11), (3, 12), (3, 13)),
        (Package("trio", ">=0.30", "0.35.0"), Package("h11", ">=0.14", None, is_optional=True)),
    ),
    mount=Mount("ext4", "/dev/sda1", frozenset(["rw", "relatime"])),
    device=Device("sda", is_rotational=False),
    room=Room(100 * 1024**3, 200 * 1024**3, 10**7, 10**7),
)  # fmt: skip
