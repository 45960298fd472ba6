"""How costs grow with a store, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import attrs

from .runner import Measured
from .sizes import FULL

_SHOWN = {
    "opening-closed": "open, closed cleanly",
    "opening-killed": "open, writer killed",
    "opening-killed-cold": "open, writer killed, not in the page cache",
    "cold-fold": "first admission in a cold scope, with a fold",
    "cold-past": "first admission in a cold scope, without",
}
"""Rows and what the picture calls them."""
_SECONDS = {"s": 1.0, "ms": 1e-3}


@attrs.frozen
class Line:
    """One cost, by the number of events."""

    label: str
    events: tuple[int, ...]
    seconds: tuple[float, ...]


def lines_of(measured: Sequence[Measured]) -> list[Line]:
    """Give the costs of the rows that were measured with stores of several sizes."""
    lines = []
    for one in measured:
        label = _SHOWN.get(one.row.name)
        if label is None:
            continue
        sizes = zip(reversed(FULL.grown), one.row.contestants, strict=True)
        points = sorted(
            (events, spread.median * _SECONDS[one.row.unit])
            for events, contestant in sizes
            if (spread := one.spread(contestant.name)) is not None
        )
        lines.append(Line(label, *map(tuple, zip(*points, strict=True))))
    return lines


def draw(lines: Sequence[Line], path: Path) -> None:
    """Draw the costs over the number of events, both on logarithmic scales, as SVG."""
    # It is installed for benchmarks only.
    matplotlib = import_module("matplotlib")
    # The same figures give the same file.
    matplotlib.rcParams["svg.hashsalt"] = "atomic_store"
    figure = import_module("matplotlib.figure").Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for line in lines:
        axes.plot(line.events, line.seconds, marker="o", label=line.label)
    axes.set(xscale="log", yscale="log", xlabel="events in the store", ylabel="seconds")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(path, format="svg", metadata={"Date": None})
