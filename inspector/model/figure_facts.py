"""What a gateway counts, as lines."""

from __future__ import annotations

from typing import Any, Final

from .facts import Fact, Item, Title
from .figures import Figures, is_number
from .words import duration, size

UNKNOWN: Final = "–"  # noqa: RUF001 - it stands for what there is not
_COUNTERS: Final = {
    "accepted": "accepted",
    "rejected": "rejected",
    "timed_out": "timed out",
    "withdrawn": "withdrawn",
    "raised": "raised",
    "crashed": "crashed",
    "rounds": "rounds",
    "duplicates": "duplicates",
    "records": "records",
    "delivered": "delivered",
    "commits": "commits",
}
_LEVELS: Final = {
    "position": "position",
    "live_scopes": "live scopes",
    "waiting": "waiting",
    "connections": "connections",
    "principals": "principals",
    "subscribers": "subscribers",
    "slow_subscribers": "slow ones",
}
_COMMITS: Final = {"commit_p50_s": "p50", "commit_p99_s": "p99", "commit_max_s": "longest"}
_BAD: Final = frozenset({"crashed", "raised"})
_ELSEWHERE: Final = {*_COUNTERS, *_LEVELS, *_COMMITS}


def figure_items(figures: Figures) -> list[Item]:
    """Say all that the last sample tells, and how fast what is counted grows."""
    last = figures.last
    commits = [_commit(label, last[name]) for name, label in _COMMITS.items() if name in last]
    rest = [_rest(name, value) for name, value in last.items() if name not in _ELSEWHERE]
    return [
        Title("now"),
        *(_level(name, label, last[name]) for name, label in _LEVELS.items() if name in last),
        None,
        Title("since the gateway began"),
        *(_counter(figures, name, label) for name, label in _COUNTERS.items() if name in last),
        *([None, Title("how long the last 1,000 commits took"), *commits] if commits else []),
        *([None, Title("more"), *rest] if rest else []),
    ]


def rate(per_s: float) -> str:
    """Write how often something happens: ``0.4/s``, ``1,234/s``."""
    if per_s == 0 or per_s >= 99.5:
        return f"{per_s:,.0f}/s"
    return f"{per_s:.1f}/s" if per_s >= 0.1 else f"{per_s:.2f}/s"


def _counter(figures: Figures, name: str, label: str) -> Fact:
    value = figures.last[name]
    text = _text(value)
    if (per_s := figures.rate_now(name)) is not None:
        text = f"{text:>13}  {rate(per_s):>10}"
    return Fact(label, text, "bad" if name in _BAD and value else "", copied=_text(value))


def _level(name: str, label: str, value: Any) -> Fact:
    look = "warning" if name == "slow_subscribers" and value else ""
    return Fact(label, f"{_text(value):>13}", look, copied=_text(value))


def _commit(label: str, value: Any) -> Fact:
    text = duration(value) if is_number(value) else "not known"
    return Fact(label, f"{text:>13}", copied=_text(value))


def _rest(name: str, value: Any) -> Fact:
    text = _text(value)
    if name.endswith("_bytes") and is_number(value) and value >= 0:
        text = size(int(value))
    look = "bad" if name.endswith("_error") and value is not None else ""
    return Fact(name.replace("_", " "), f"{text:>13}", look, copied=_text(value))


def _text(value: Any) -> str:
    """Write what a gateway told: a number, or anything else."""
    if is_number(value):
        return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"
    try:
        return UNKNOWN if value is None else str(value)
    except (ValueError, RecursionError):
        # A number of more digits than this process prints, or lists in lists in lists.
        return "more than can be shown"
