"""Is it a file system on which a store keeps its promises?"""

from __future__ import annotations

from typing import Final

from ..facts import Device, Facts, Mount
from ..findings import Finding, Severity

CHECK: Final = "file system"

TRUSTED: Final = frozenset(
    ["ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "reiserfs", "apfs"]
)
IN_MEMORY: Final = frozenset(["tmpfs", "ramfs", "devtmpfs", "hugetlbfs"])
NETWORK: Final = frozenset(
    ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gfs2", "ocfs2",
     "glusterfs", "beegfs", "virtiofs", "vboxsf", "prl_fs", "fuse.sshfs", "fuse.glusterfs",
     "fuse.s3fs", "fuse.rclone", "fuse.ceph", "fuse.vmhgfs-fuse"]
)  # fmt: skip
WITHOUT_JOURNAL: Final = frozenset(["vfat", "msdos", "exfat", "ext2", "hfs", "hfsplus", "udf"])

_LOCAL_LOCKS: Final = frozenset(["nolock", "local_lock=all", "local_lock=flock", "nobrl"])
_NO_BARRIERS: Final = frozenset(["nobarrier", "barrier=0", "nobarriers"])
_MOVE: Final = "Put the store on a local disk with ext4, xfs, btrfs or zfs."


def check_file_system(facts: Facts) -> Finding:
    """Judge the file system's kind, its options, and what it lies on."""
    mount = facts.mount
    if mount is None:
        return Finding(
            CHECK, Severity.NOTE, "which one it is could not be told",
            "On a network file system, or one in memory, a store may lose what it acknowledged.",
            "Look it up with the tools of this system.",
        )  # fmt: skip
    found = f"{mount.type} on {mount.source}"
    judged = (
        _of_memory(found, mount, facts.device)
        or _of_options(found, mount)
        or _of_network(found, mount)
        or _of_oddity(found, mount)
    )
    return judged or Finding(CHECK, Severity.OK, found)


def _of_memory(found: str, mount: Mount, device: Device | None) -> Finding | None:
    is_memory = device is not None and device.name.startswith(("zram", "ram"))
    if mount.type not in IN_MEMORY and not is_memory:
        return None
    what = f"{found}, which is memory"
    return Finding(
        CHECK, Severity.PROBLEM, what, "All of it is gone when the machine loses power.", _MOVE
    )


def _of_options(found: str, mount: Mount) -> Finding | None:
    if "ro" in mount.options:
        return Finding(
            CHECK, Severity.PROBLEM, f"{found}, mounted read-only",
            "A store here can be read, but not opened.",
            "Where it was not meant, the system may have made it so after an error of the disk: "
            "look into the kernel's log before you mount it writable again.",
        )  # fmt: skip
    if unsafe := sorted(mount.options & (_NO_BARRIERS | {"volatile"})):
        return Finding(
            CHECK, Severity.PROBLEM, f"{found}, mounted with {unsafe[0]}",
            "A sync does not reach the disk: a loss of power loses what was acknowledged.",
            "Mount it without this option.",
        )  # fmt: skip
    if "data=writeback" in mount.options:
        return Finding(
            CHECK, Severity.WARNING, f"{found}, mounted with data=writeback",
            "After a loss of power, a file may end with what was on the disk before. To a store "
            "that looks like damage, and it refuses to open.",
            "Mount it with data=ordered.",
        )  # fmt: skip
    return None


def _of_network(found: str, mount: Mount) -> Finding | None:
    if mount.type not in NETWORK:
        return None
    if local := sorted(mount.options & _LOCAL_LOCKS):
        return Finding(
            CHECK, Severity.PROBLEM, f"{found}, mounted with {local[0]}",
            "Locks hold on this machine only: writers on two machines would ruin the store.",
            "Mount it without this option, or put the store on a local disk.",
        )  # fmt: skip
    return Finding(
        CHECK, Severity.WARNING, f"{found}, a network file system",
        "Whether a sync reaches a disk, and whether a lock keeps other machines out, is up to "
        "another machine; a lost connection stops the store.",
        _MOVE,
    )  # fmt: skip


def _of_oddity(found: str, mount: Mount) -> Finding | None:
    if mount.type in TRUSTED:
        return None
    severity, meaning, advice = Severity.NOTE, "Nobody has tried a store on one of these.", _MOVE
    if mount.type == "overlay":
        severity = Severity.WARNING
        meaning = "What is written goes away with the container that it belongs to."
        advice = "Put the store on a volume."
    elif mount.type.startswith("fuse"):
        severity = Severity.WARNING
        meaning = "Whether a sync reaches a disk is up to the program that serves it."
    elif mount.type in WITHOUT_JOURNAL:
        severity = Severity.WARNING
        meaning = "It keeps no journal: a crash can damage directories, and the store with them."
    return Finding(CHECK, severity, found, meaning, advice)
