"""Does a sync take as long as one that reaches a disk must?"""

from __future__ import annotations

from statistics import median
from typing import Final

from ..facts import Device, Facts
from ..findings import Finding, Severity

CHECK: Final = "sync"

DEVICE_S_MIN: Final = 15e-6
"""The way to a device and back takes longer than this, whatever the device."""
PROTECTED_S_MAX: Final = 250e-6
"""What is faster has a cache that outlives a loss of power, or does not wait for the disk."""
ROTATIONAL_S_MIN: Final = 1.5e-3
"""A disk of 15,000 turns a minute needs 2 ms for half of one."""
SLOW_S: Final = 0.03
VERY_SLOW_S: Final = 0.5


def check_sync(facts: Facts) -> Finding:
    """Judge the median of some fdatasyncs, by what the device can do."""
    times = facts.probe.sync_seconds
    if not times:
        return Finding(CHECK, Severity.NOTE, "not measured: there was no file to try it with")
    middle, longest = median(times), max(times)
    name = f" on {facts.device.name}" if facts.device else ""
    found = f"{_duration(middle)} in the median of {len(times)}{name}, {_duration(longest)} at most"
    return _too_fast(found, middle, facts.device) or _too_slow(found, middle, longest)


def _too_fast(found: str, middle: float, device: Device | None) -> Finding | None:
    if middle < DEVICE_S_MIN:
        return Finding(
            CHECK, Severity.PROBLEM, f"{found}: too fast for any device",
            "Nothing is written when the store asks for it: a loss of power loses what was "
            "acknowledged.",
            "Look for a file system in memory, for `eatmydata` or another library in LD_PRELOAD, "
            "and for a sandbox that leaves syncs out.",
        )  # fmt: skip
    if device is None or device.is_virtual or not device.is_rotational:
        return _maybe_too_fast(found, middle)
    if middle < ROTATIONAL_S_MIN:
        return Finding(
            CHECK, Severity.WARNING, f"{found}: too fast for a disk that turns",
            "A cache answers for it. Without a battery, a loss of power loses what was "
            "acknowledged.",
            "Make sure that the controller's cache has a battery, or turn the disk's cache off "
            "(`hdparm -W 0`).",
        )  # fmt: skip
    return None


def _maybe_too_fast(found: str, middle: float) -> Finding | None:
    if middle >= PROTECTED_S_MAX:
        return None
    return Finding(
        CHECK, Severity.NOTE, f"{found}: fast",
        "A device does that whose cache outlives a loss of power; so does a host that tells its "
        "virtual machines that all is written when it is not.",
        "Make sure that it is the first: in the data sheet (power-loss protection), or in the "
        "settings of the virtual disk (no `cache=unsafe`).",
    )  # fmt: skip


def _too_slow(found: str, middle: float, longest: float) -> Finding:
    meaning = "Each answer waits for a sync. Others are answered with it, but none is before."
    advice = "Look for what else writes to this disk (`iostat -x 1`), or take a faster one."
    if middle >= VERY_SLOW_S:
        return Finding(CHECK, Severity.WARNING, f"{found}: very slow", meaning, advice)
    if middle >= SLOW_S:
        return Finding(CHECK, Severity.NOTE, f"{found}: slow", meaning, advice)
    if longest >= VERY_SLOW_S:
        return Finding(CHECK, Severity.NOTE, f"{found}: slow at times", meaning, advice)
    return Finding(CHECK, Severity.OK, found)


def _duration(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"
