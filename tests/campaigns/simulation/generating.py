"""A flow from a seed: what is likely, and what is rare."""

from __future__ import annotations

from random import Random
from typing import Any, Final

import attrs

from .flow import POWER_OFF, Caller, End, Fault, Flow, How, Life, Reading, Way, What

DELAYS: Final = (0.0, 0.0, 0.0, 0.1, 0.5, 1.0, 2.0)
MOSTLY: Final = ("a", "a", "a", "b", "b", "c")
WAYS: Final[tuple[Way, ...]] = (
    "plain", "plain", "plain", "async", "async", "remote", "consider", "message",
)  # fmt: skip
HOWS: Final[tuple[How, ...]] = (
    "accept", "accept", "accept", "accept", "accept", "accept", "accept", "accept", "accept",
    "reject", "reject", "reject", "split", "split", "too many", "raise", "raise", "no decision",
    "hang", "await past", "load past", "crash",
)  # fmt: skip
WHATS: Final[tuple[What, ...]] = (
    "query", "query", "outcome", "read", "read", "tail", "follow", "follow", "message",
)  # fmt: skip
ENDS: Final[tuple[End, ...]] = (
    "close", "close", "raise", "cancel", "kill", "kill", "power loss", "power loss", "power loss",
)  # fmt: skip
WITHOUT_LOSS: Final[tuple[End, ...]] = ("close", "kill")
CUT_SHORT: Final[dict[End, float]] = {"kill": 0.4, "power loss": 0.8}
"""How likely it is that the end comes in the middle of something."""
OPERATIONS: Final = (
    "write", "write", "write", "write", "fdatasync", "fdatasync", "fdatasync", "fsync", "fsync",
    "rename", "rename", "open", "ftruncate", "mkdir", "unlink", "read", "fstat", "list", "stat",
    "close",
)  # fmt: skip
DAMAGES: Final = ("deleted", "one deleted", "cut off", "changed", "swapped")
SPOILED: Final = (
    "nothing", "nothing", "flipped", "flipped", "flipped", "cut", "deleted", "doubled",
)  # fmt: skip


def flow_of(seed: int) -> Flow:
    """Make the flow of a seed; always the same."""
    random = Random(seed)
    folds = random.random() < 0.7
    lives = [_life(random, folds) for _ in range(random.choice((1, 2, 2, 3)))]
    if len(lives) > 1 and random.random() < 0.15:
        _lose_what_failed(random, lives)
    return Flow(tuple(lives))


def _lose_what_failed(random: Random, lives: list[Life]) -> None:
    """Have a sync fail, and after the next life the power: the cache showed what was not there."""
    fault = Fault("fdatasync", nth=random.randrange(1, 4), path="/journal/")
    end = random.choice(WITHOUT_LOSS)
    lives[0] = attrs.evolve(lives[0], faults=(fault,), end=end)
    lives[1] = attrs.evolve(lives[1], end="power loss")


def _life(random: Random, folds: bool) -> Life:
    end = random.choice(ENDS)
    faults = [_fault(random) for _ in range(random.choice((0, 0, 0, 1, 1, 2)))]
    if random.random() < CUT_SHORT.get(end, 0.0):
        # In the middle of something.
        is_early = random.random() < 0.2
        nth = random.randrange(1, 30 if is_early else 16)
        faults.append(Fault(POWER_OFF, nth=nth, is_early=is_early))
    callers = [_caller(random) for _ in range(random.choice((1, 2, 4, 6, 8)))]
    if random.random() < 0.4:
        # Many at once, which share a commit: a torn one is longer than a sector.
        lot = random.choice(MOSTLY)
        callers += [
            Caller(number=random.randrange(100, 1_000_000), lot=lot)
            for _ in range(random.randrange(2, 8))
        ]
    commit_s = random.choice((0.0, 0.0, 0.0, 0.3, 2.0))
    return Life(
        callers=tuple(callers),
        readings=tuple(_reading(random) for _ in range(random.choice((0, 0, 1, 2)))),
        faults=tuple(faults),
        lasts=random.choice((0.0, 2.0, 8.0, 8.0, 8.0)),
        steps=random.randrange(12),
        end=end,
        seed=random.getrandbits(32),
        commit_s=commit_s,
        # Once in a while another program opens the store, which keeps none.
        folds=folds and random.random() < 0.9,
        segment_bytes_max=random.choice((700, 1_500, 1_500, 100_000)),
        max_waiting=random.choice((1, 5, 100, 100, 100, 100)),
        spoiled=random.choice(SPOILED),
        damage=_damage(random),
    )


def _caller(random: Random) -> Caller:
    own_id = random.choice((None, None, 1, 2, 3))
    is_cancelled = random.random() < 0.25
    if own_id is None:
        number = random.randrange(100, 1_000_000)
    else:
        # Mostly the same event again, now and then another one.
        number = 10 * own_id + (random.random() < 0.1)
    return Caller(
        number=number,
        lot=random.choice(MOSTLY),
        way=random.choice(WAYS),
        how=random.choice(HOWS),
        after=random.choice(DELAYS),
        steps=random.choice((0, 0, 0, random.randrange(8))),
        takes=random.choice(DELAYS),
        own_id=own_id,
        timeout=random.choice((None, None, None, 1.0)),
        cancelled_after=random.choice(DELAYS) if is_cancelled else None,
        cancelled_steps=random.randrange(10) if is_cancelled else 0,
    )


def _reading(random: Random) -> Reading:
    what = random.choice(WHATS)
    lot = random.choice(MOSTLY) if what != "follow" or random.random() < 0.3 else None
    return Reading(
        what=what,
        lot=lot,
        after=random.choice(DELAYS),
        steps=random.randrange(6),
        behind=random.choice((0, 0, 1, 2, 3)),
    )


def _fault(random: Random) -> Fault:
    operation = random.choice(OPERATIONS)
    return Fault(
        operation=operation,
        nth=random.choice((1, 1, 1, 2, 2, 3, 5, 9)),
        path=random.choice(("", "", "/journal/", "/journal/", "/index/", "/snapshots/")),
        short=random.randrange(300) if operation == "write" and random.random() < 0.5 else None,
        times=random.choice((None, 1, 2)),
        is_early=random.random() < 0.3,
    )


def _damage(random: Random) -> Any:
    return tuple(random.choice(DAMAGES) for _ in range(random.choice((0, 0, 1, 2))))
