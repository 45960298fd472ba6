"""The one table: Markdown, for the terminal and for `docs/performance.md`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .runner import STORE, Measured, Spread, Verdict

BEGIN = "<!-- benchmarks: begin -->"
END = "<!-- benchmarks: end -->"

_HEAD = ("what", "who", "median (min to max)", "the store against it (min to max)", "goal", "met")


def figure(value: float) -> str:
    """A figure with as many digits as it deserves."""
    if value == int(value) or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _spread(spread: Spread, times: str = "") -> str:
    median, least, most = (figure(value) for value in (spread.median, spread.least, spread.most))
    return f"{median}{times} ({least} to {most})"


def _verdict_cells(verdicts: Sequence[Verdict]) -> tuple[str, str]:
    met = {True: "yes", False: "**no**", None: ""}
    goals = ", ".join(verdict.goal.text for verdict in verdicts)
    return goals, ", ".join(met[verdict.is_met] for verdict in verdicts)


def lines_of(measured: Measured) -> list[tuple[str, ...]]:
    """A row's lines, one a contestant; the first one says what is measured."""
    row = measured.row
    lines: list[tuple[str, ...]] = []
    verdicts = measured.verdicts()
    for contestant in row.contestants:
        name = contestant.name
        own = [v for v in verdicts if (v.goal.peer or STORE) == name]
        goals, met = _verdict_cells(own)
        spread = measured.spread(name)
        found = f"not run: {measured.not_run[name]}" if spread is None else _spread(spread)
        against = None if name == STORE or STORE not in measured.figures else measured.against(name)
        lines.append(
            (
                f"{row.title}, {row.unit}" if not lines else "",
                name,
                found,
                "" if against is None else _spread(against, " x"),
                goals,
                met,
            )
        )
    return lines


def table(measured: Sequence[Measured]) -> str:
    """All rows as one Markdown table, its columns aligned."""
    lines = [_HEAD, *(line for each in measured for line in lines_of(each))]
    widths = [max(len(line[k]) for line in lines) for k in range(len(_HEAD))]
    head, *rest = (
        "|".join(["", *(f" {c:{w}} " for c, w in zip(line, widths, strict=True)), ""])
        for line in lines
    )
    rule = "|".join(["", *("-" * (width + 2) for width in widths), ""])
    return "\n".join([head, rule, *rest])


def put_between_markers(document: str, content: str, name: str = "benchmarks") -> str:
    """
    Replace what stands between the two markers of a document.

    Args:
      name: the one in the markers.

    Raises:
      ValueError: the document does not have exactly one of each, in this order.
    """
    first, last = BEGIN.replace("benchmarks", name), END.replace("benchmarks", name)
    before, begin, rest = document.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end or first in after or last in after or last in before:
        raise ValueError(f"expected {first} and then {last}, once each")
    return f"{before}{first}\n\n{content}\n\n{last}{after}"


def as_json(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    """All figures of all rounds, for other programs."""
    return [
        {
            "name": each.row.name,
            "title": each.row.title,
            "unit": each.row.unit,
            "rounds": each.figures,
            "not_run": each.not_run,
            "goals": [
                {
                    "goal": verdict.goal.text,
                    "peer": verdict.goal.peer,
                    "found": None if verdict.found is None else verdict.found.median,
                    "is_met": verdict.is_met,
                }
                for verdict in each.verdicts()
            ],
        }
        for each in measured
    ]
