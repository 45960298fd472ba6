"""How a gateway's figures went over the last minutes."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import ItemGrid

from ..model.curves import Curve
from ..model.figure_facts import rate
from ..model.figures import Figures
from ..model.words import duration
from .plot import Plot


class Plots(ItemGrid):
    """How a gateway's figures went over the last minutes."""

    DEFAULT_CSS = """
    Plots { grid-rows: 5; grid-gutter: 0 1; height: auto; padding: 0 0 0 0; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, min_column_width=24, regular=True, stretch_height=False)

    def compose(self) -> ComposeResult:
        """Give one plot for each figure that tells how it goes."""
        yield Plot("accepted", "good", id="accepted")
        yield Plot("rejected", "warning", id="rejected")
        yield Plot("delivered", id="delivered")
        yield Plot("commit p50", id="commit_p50_s")
        yield Plot("commit p99", id="commit_p99_s")
        yield Plot("waiting", "warning", id="waiting")

    def show(self, figures: Figures) -> None:
        """Show how they went."""
        for name in ("accepted", "rejected", "delivered"):
            self._show(name, figures.per_second(name), figures.at_s, rate)
        for name in ("commit_p50_s", "commit_p99_s"):
            self._show(name, figures.level(name, 1_000), figures.at_s, _milliseconds)
        self._show("waiting", figures.level("waiting"), figures.at_s, _number)

    def _show(
        self, name: str, curve: Curve, at_s: float | None, words: Callable[[float], str]
    ) -> None:
        last = curve.points[-1] if curve.points else None
        now = last[1] if last is not None and last[0] == at_s else None
        self.query_one(f"#{name}", Plot).show(curve, now, words)


def _milliseconds(value: float) -> str:
    return duration(value / 1_000)


def _number(value: float) -> str:
    return f"{value:,.0f}"
