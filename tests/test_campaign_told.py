"""What clients of a gateway were told, against the journal: each rule refuses what breaks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from campaigns.checker import check
from campaigns.gateway.as_history import history_of, kept
from campaigns.gateway.rule import accepts, seen
from campaigns.gateway.told import Heard, Proposed, Stored, Told

IDS = ("a", "b", "c", "d")


def stored() -> list[Stored]:
    """Three records of one scope, and one of another."""
    return [
        Stored(1, "lot/1", 1, "a", 1, "ada", seen("")),
        Stored(2, "lot/1", 2, "b", 2, "ben", seen("a")),
        Stored(3, "other", 1, "c", 1, "ada", seen("")),
        Stored(4, "lot/1", 3, "d", 3, "ben", seen("ab")),
    ]


def told() -> Told:
    """What was told of them one after the other, and of one that was rejected behind `b`."""
    made = Told()
    for time, one in enumerate(stored()):
        proposed = Proposed(one.by, one.id, one.scope, one.cents, time)
        places = [(one.position, one.sequence)]
        proposed.end(time + 0.5, "accepted", places=places, meta=one.meta)
        made.proposed.append(proposed)
    rejected = Proposed("ada", "e", "lot/1", 7, 2.0)
    rejected.end(2.5, "rejected", meta=seen("ab"))
    made.proposed.append(rejected)
    made.followed.append(heard("", 0.0, [1, 2, 3, 4]))
    made.followed.append(heard("lot/", 0.0, [1, 2, 4]))
    made.queried.append(heard("lot/1", 2.0, [1, 2], is_whole=True))
    return made


def heard(prefix: str, began: float, positions: list[int], **more: Any) -> Heard:
    """A subscription or a query that gave some positions."""
    times = [position - 0.5 for position in positions]
    return Heard("eve", prefix, began, positions=positions, times=times, ended=9.0, **more)


def test_all_is_well() -> None:
    """Nothing is found where nothing is wrong, by these rules and by the checker's."""
    assert [] == told().violations(stored())
    assert [] == check(history_of(told(), stored()), kept(stored()))


def test_the_rule() -> None:
    """Four of five are accepted, and each event of the past counts."""
    assert 4 == sum(accepts(cents, 3) for cents in range(5))
    assert seen("ab") != seen("ba")
    assert {"saw": 2} == {"saw": seen("ab")["saw"]}


def test_from_a_position_on() -> None:
    """What was there before need not be known."""
    later = attrs.evolve(stored()[2], position=9)
    made = Told([told().proposed[2]])
    made.proposed[0].places = [(9, 1)]

    assert [] == made.violations([later], first=9)
    assert ["positions have a gap"] == made.violations([later], first=8)


def without(number: int) -> Callable[[Told, list[Stored]], None]:
    """The journal lacks a record."""

    def change(made: Told, records: list[Stored]) -> None:
        records[number - 1 :] = [
            attrs.evolve(one, position=one.position - 1) for one in records[number:]
        ]

    return change


def replaced(number: int, **members: Any) -> Callable[[Told, list[Stored]], None]:
    """A record is another one."""

    def change(made: Told, records: list[Stored]) -> None:
        records[number - 1] = attrs.evolve(records[number - 1], **members)

    return change


def otherwise(number: int, **members: Any) -> Callable[[Told, list[Stored]], None]:
    """A client was told something else."""

    def change(made: Told, records: list[Stored]) -> None:
        for name, value in members.items():
            setattr(made.proposed[number - 1], name, value)

    return change


def gave(number: int, *positions: int) -> Callable[[Told, list[Stored]], None]:
    """A subscription gave something else."""

    def change(made: Told, records: list[Stored]) -> None:
        made.followed[number - 1].positions = list(positions)

    return change


def queried(*positions: int) -> Callable[[Told, list[Stored]], None]:
    """A query gave something else."""

    def change(made: Told, records: list[Stored]) -> None:
        made.queried[0].positions = list(positions)

    return change


def twice(made: Told, records: list[Stored]) -> None:
    """A proposal was admitted again."""
    records.append(Stored(5, "lot/1", 4, "a", 1, "ada", seen("abd")))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (without(4), "told [(4, 3)], stored []"),
        (replaced(2, position=7), "positions have a gap"),
        (replaced(2, sequence=3), "expected sequence 2"),
        (twice, "its proposal was admitted twice"),
        (replaced(2, by="eve"), "nobody proposed this"),
        (replaced(2, cents=3), "nobody proposed this"),
        (replaced(4, meta=seen("a")), "its round saw"),
        (replaced(4, meta=seen("ba")), "its round saw"),
        (otherwise(1, outcome=None), "its client never came to know"),
        (otherwise(1, outcome="timed_out"), "stored as"),
        (otherwise(2, places=[(3, 2)]), "told [(3, 2)]"),
        (otherwise(2, places=[(2, 2), (3, 3)]), "stored [(2, 2)]"),
        (otherwise(2, meta=seen("")), "stored {"),
        (otherwise(5, meta=seen("ba")), "it rests on"),
        (otherwise(5, cents=8), "it rests on"),
        (otherwise(5, began=3.6), "and 3 had been told before"),
        (otherwise(2, began=9.0, ended=9.5), "told before what comes before it had begun"),
        (gave(1, 1, 2, 2, 3, 4), "2 came behind 2"),
        (gave(1, 1, 3, 4), "missing [2]"),
        (gave(2, 1, 2, 3, 4), "not to be there [3]"),
        (gave(1, 1, 2, 3), "missing [4]"),
        (queried(2), "a query gave [2]"),
        (queried(1), "which had been told before"),
    ],
)
def test_what_is_wrong_is_found(
    change: Callable[[Told, list[Stored]], None], expected: str
) -> None:
    """Each rule names what it refuses."""
    made, records = told(), stored()
    change(made, records)
    found = made.violations(records)

    assert any(expected in one for one in found), found


def test_the_checker_reads_it() -> None:
    """What the checker of all campaigns refuses, it refuses here, too."""
    made = told()
    made.proposed[4].meta = seen("ba")
    assert "whole past" in rules_broken(made)

    made = told()
    made.proposed[3].is_duplicate = True
    assert [] == check(history_of(made, stored()), kept(stored()))
    made.proposed[3].places = [(2, 2)]
    assert "duplicates" in rules_broken(made)


def rules_broken(made: Told) -> set[str]:
    """The rules of the checker that something breaks."""
    return {one.rule for one in check(history_of(made, stored()), kept(stored()))}
