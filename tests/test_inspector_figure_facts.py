"""What a gateway counts, as lines."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.model.facts import Fact, Title, copied_of
from inspector.model.figure_facts import figure_items, rate
from inspector.model.figures import Figures

TOLD = {
    "position": 1_046, "accepted": 40, "rejected": 2, "crashed": 0, "commit_p99_s": 0.0125,
    "connections": 3, "slow_subscribers": 0, "past_bytes": 93_100, "snapshots_error": None,
}  # fmt: skip


def items(*samples: dict[str, Any]) -> dict[str, Fact]:
    """The facts of some samples, one a second, by label."""
    kept = Figures()
    for at_s, sample in enumerate(samples):
        kept.add(float(at_s), sample)
    return {item.label: item for item in figure_items(kept) if isinstance(item, Fact)}


def test_what_is_told() -> None:
    """Numbers are written for people, and copied as they are written."""
    facts = items(TOLD)

    assert "1,046" == facts["position"].value.strip()
    assert "40" == facts["accepted"].value.strip()
    assert "12 ms" == facts["p99"].value.strip()
    assert "93.1 kB" == facts["past bytes"].value.strip()
    assert "\u2013" == facts["snapshots error"].value.strip()
    assert "0.013" == copied_of(facts["p99"])
    assert "1,046" == copied_of(facts["position"])


def test_rates_stand_beside_counts() -> None:
    """What is counted also says how fast it grows; the rest does not."""
    facts = items(TOLD, TOLD | {"accepted": 52, "connections": 9})

    assert ["52", "12.0/s"] == facts["accepted"].value.split()
    assert ["9"] == facts["connections"].value.split()
    assert "52" == copied_of(facts["accepted"])


def test_trouble_stands_out() -> None:
    """A crash, a subscriber that is behind, an error."""
    facts = items(TOLD | {"crashed": 1, "slow_subscribers": 2, "snapshots_error": "no room"})

    assert ("bad", "warning", "bad") == (
        facts["crashed"].look, facts["slow ones"].look, facts["snapshots error"].look,
    )  # fmt: skip
    calm = items(TOLD)
    assert {""} == {fact.look for fact in calm.values()}


def test_only_what_is_told_is_shown() -> None:
    """An older gateway tells less; nothing at all is no error either."""
    kept = Figures()
    kept.add(0.0, {"accepted": 1})
    titles = [item.text for item in figure_items(kept) if isinstance(item, Title)]

    assert {"accepted"} == items({"accepted": 1}).keys()
    assert ["now", "since the gateway began"] == titles
    assert {} == items({})


@pytest.mark.parametrize(
    "value", ["\x1b[31m", [1, 2], {"a": {"b": None}}, True, 10**500, float("nan"), -1]
)
def test_strange_figures(value: Any) -> None:
    """Whatever a gateway tells under whatever name is shown as text."""
    names = [*TOLD, "more_bytes", "an_error", "\x1b]0;title\x07"]

    facts = items(dict.fromkeys(names, value))
    assert len(names) == len(facts)
    assert all(isinstance(fact.value, str) for fact in facts.values())


@pytest.mark.parametrize(
    ("per_s", "text"),
    [(0, "0/s"), (0.04, "0.04/s"), (0.44, "0.4/s"), (12.34, "12.3/s"), (1234.5, "1,234/s")],
)
def test_rate(per_s: float, text: str) -> None:
    """As exactly as anybody wants to know."""
    assert text == rate(per_s)


def test_a_number_without_end() -> None:
    """More digits than can be written are no error."""
    assert "more than can be shown" == items({"more": 10**9_000})["more"].value
