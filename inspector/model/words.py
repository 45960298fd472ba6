"""Numbers, sizes and times in words for people."""

from __future__ import annotations

from typing import Final

from .texts import visible


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Write a number of things: ``1 lot``, ``1,200 lots``; `nouns` if it is not just an ``s``."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


_SIZES: Final = ((1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"))


def size(size_bytes: int) -> str:
    """Write a number of bytes: ``512 B``, ``1.4 MB``."""
    for unit, name in _SIZES:
        # Just below a unit it would be rounded up to 1000 of the next smaller one.
        if size_bytes >= unit * 0.9995:
            number = size_bytes / unit
            return f"{number:.1f} {name}" if number < 99.95 else f"{number:.0f} {name}"
    return f"{size_bytes} B"


def duration(seconds: float) -> str:
    """Write how long something took: ``4.2 ms``, ``1.5 s``, ``2 min 5 s``, ``3 h 20 min``."""
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 0.00095:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.{1 if seconds < 0.00995 else 0}f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, name, lower, lower_name in (
        (86_400, "d", 3_600, "h"),
        (3_600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= unit:
            number, rest = divmod(whole, unit)
            return f"{number} {name}" + (f" {rest // lower} {lower_name}" if rest // lower else "")
    return f"{whole} s"


def ago(seconds: float) -> str:
    """Write how long ago something was, roughly: ``now``, ``5 s ago``, ``3 days ago``."""
    # Clocks of two machines may differ: what is a little in the future was now.
    if seconds < 1:
        return "now"
    for unit, name in ((86_400, "day"), (3_600, "h"), (60, "min"), (1, "s")):
        if seconds >= unit:
            number = int(seconds // unit)
            return f"{counted(number, name) if name == 'day' else f'{number} {name}'} ago"
    raise AssertionError("a second or more is at least a second")


TIME_CELLS: Final = (26, 23, 19, 14, 8)
"""How long a time may be written, the longest first: microseconds, milliseconds, seconds."""


def when(at: str, cells_max: int = 26) -> str:
    """
    Write a time of the journal as exactly as there is room, in UTC.

    Args:
      at: ``2026-11-23T15:04:05.123456Z``; anything else is shown as it is.
      cells_max: ``2026-11-23 15:04:05.123456`` (26), ``2026-11-23 15:04:05.123`` (23),
        ``2026-11-23 15:04:05`` (19), ``11-23 15:04:05`` (14) or ``15:04:05`` (8).
    """
    if len(at) != 27 or at[10] != "T" or at[26] != "Z" or not at.isascii():
        return visible(at, cells_max)
    text = f"{at[:10]} {at[11:26]}"
    if cells_max >= 23:
        text = text[: 26 if cells_max >= 26 else 23]
    elif cells_max >= 19:
        text = text[:19]
    else:
        text = text[5:19] if cells_max >= 14 else text[11:19]
    return visible(text, cells_max)
