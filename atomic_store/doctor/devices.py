"""Which block device a file system is on, from /sys (sysfs(5))."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from .facts import Device

_SYS: Final = Path("/sys/dev/block")
_GUESTS: Final = ("QEMU", "VBOX", "VMware", "Msft", "Google", "Amazon", "Virtual")
"""How disks of virtual machines call themselves."""


def device_of(number: int, root: Path = _SYS) -> Device | None:
    """
    Describe a block device; None if the system does not tell, or it is none.

    Args:
      number: the device number of a file system, as `stat` gives it.
      root: where the system lists block devices by number.
    """
    try:
        path = (root / f"{os.major(number)}:{os.minor(number)}").resolve(strict=True)
    except OSError:
        return None
    if (path / "partition").exists():
        path = path.parent
    rotational = _line(path / "queue" / "rotational")
    makers = f"{_line(path / 'device' / 'vendor')} {_line(path / 'device' / 'model')}"
    is_virtual = (
        "virtio" in str(path)
        or "/virtual/" in str(path)
        or path.name.startswith(("xvd", "nbd", "rbd"))
        or any(guest in makers for guest in _GUESTS)
    )
    return Device(path.name, {"0": False, "1": True}.get(rotational), is_virtual)


def _line(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
