"""How a doctor reads what systems say: mounts, versions, devices."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from atomic_store.doctor.devices import device_of
from atomic_store.doctor.facts import Device, Mount, Package
from atomic_store.doctor.mounts import mount_of
from atomic_store.doctor.versions import is_wanted, name_in, package_of, release

MOUNTINFO = rb"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard,data=writeback
28 27 0:25 / /data rw shared:5 master:3 - tmpfs tmp rw,size=4k
29 27 0:26 / /data ro,nosuid - nfs4 nas:/shop\040data rw,vers=4.2
30 27 0:27 / /with\040blank rw - xfs /dev/sdb rw
nonsense
31 27 0:28 / /half rw -
"""


@pytest.mark.parametrize(
    ("path", "kind", "source"),
    [
        ("/", "ext4", "/dev/vda"),
        ("/srv/shop.store", "ext4", "/dev/vda"),
        ("/data/x", "nfs4", "nas:/shop data"),
        ("/data", "nfs4", "nas:/shop data"),
        ("/database", "ext4", "/dev/vda"),
        ("/with blank/x", "xfs", "/dev/sdb"),
        ("/half/x", "ext4", "/dev/vda"),
    ],
)
def test_the_mount_of_a_path(path: str, kind: str, source: str) -> None:
    """It is the one with the longest name above it, and of two at one point the later one."""
    mount = mount_of(os.fsencode(path), MOUNTINFO)

    assert mount is not None
    assert (kind, source) == (mount.type, mount.source)


def test_a_mount_has_both_kinds_of_options() -> None:
    """Those of the mount, and those of the file system."""
    assert mount_of(b"/data/x", MOUNTINFO) == Mount(
        "nfs4", "nas:/shop data", frozenset(["ro", "nosuid", "rw", "vers=4.2"])
    )


def test_no_mount_is_none() -> None:
    """A text in which there is none above the path."""
    assert mount_of(b"/x", b"nonsense\n") is None


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("0.35.0", (0, 35)),
        ("1.3.0.post0", (1, 3)),
        ("2.0rc1", (2,)),
        ("24.10", (24, 10)),
        ("x", ()),
    ],
)
def test_the_numbers_of_a_version(version: str, numbers: tuple[int, ...]) -> None:
    """Zeros at the end and what follows the numbers do not count."""
    assert numbers == release(version)


@pytest.mark.parametrize(
    ("version", "wanted", "is_fine"),
    [
        ("0.30", ">=0.30", True),
        ("0.9", ">=0.30", False),
        ("1.0", ">=0.30", True),
        ("9.0", "<9,>=8.2", False),
        ("8.2", "<9,>=8.2", True),
        ("8.1.9", "<9,>=8.2", False),
        ("1.0.0", "==1.0", True),
        ("1.0.1", "==1.0", False),
        ("3", "", True),
    ],
)
def test_wanted_versions(version: str, wanted: str, is_fine: bool) -> None:
    """Numbers compare as numbers, and all clauses count."""
    assert is_fine is is_wanted(version, wanted)


def test_a_requirement_is_read() -> None:
    """Its name, its versions, and whether it belongs to an extra."""
    assert Package("trio", ">=0.30", "1") == package_of("trio>=0.30", "1")
    assert Package("h11", ">=0.14", None, True) == package_of("h11>=0.14; extra == 'gateway'", None)
    assert Package("attrs", "", "1") == package_of("attrs", "1")
    assert "uuid-utils" == name_in("uuid-utils>=0.10")
    assert ("", None) == (name_in("(?)"), package_of("(?)", None))


def made_device(root: Path, path: str, **files: str) -> None:
    """A device as /sys shows it, with the number 8:1."""
    device = root / "devices" / path
    for name, content in files.items():
        file = device / name.replace("_", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content + "\n")
    (root / "block").mkdir()
    (root / "block" / "8:1").symlink_to(device)


def test_a_partition_is_of_its_disk(tmp_path: Path) -> None:
    """The disk's name and whether it turns are looked up at the disk."""
    disk = tmp_path / "devices" / "pci0" / "block" / "sda"
    (disk / "queue").mkdir(parents=True)
    (disk / "queue" / "rotational").write_text("1\n")
    made_device(tmp_path, "pci0/block/sda/sda1", partition="1")

    assert Device("sda", True, False) == device_of(os.makedev(8, 1), tmp_path / "block")


@pytest.mark.parametrize(
    ("path", "model"),
    [("virtio1/block/vda", ""), ("virtual/block/dm-0", ""), ("pci0/sda", "QEMU HARDDISK")],
)
def test_virtual_disks_are_known(path: str, model: str, tmp_path: Path) -> None:
    """By where they are, or by how they call themselves."""
    made_device(tmp_path, path, queue_rotational="0", device_model=model)

    device = device_of(os.makedev(8, 1), tmp_path / "block")

    assert Device(path.rpartition("/")[2], False, True) == device


def test_no_device_is_none(tmp_path: Path) -> None:
    """A file system on no block device has none."""
    assert device_of(os.makedev(0, 25), tmp_path) is None
