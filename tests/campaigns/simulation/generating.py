"""A flow from a seed: what is likely, and what is rare."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from .flow import LOTS, POWER_OFF, Caller, End, Fault, Flow, How, Life, Reading, Way, What

DELAYS: Final = (0.0, 0.0, 0.0, 0.1, 0.5, 1.0, 2.0)
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
OPERATIONS: Final = (
    "write", "write", "fdatasync", "fdatasync", "fsync", "rename", "open", "ftruncate", "mkdir",
    "unlink", "read", "fstat", "list", "stat", "close",
)  # fmt: skip
DAMAGES: Final = ("deleted", "one deleted", "cut off", "changed", "swapped")
SPOILED: Final = ("nothing", "nothing", "flipped", "cut", "deleted", "doubled")


def flow_of(seed: int) -> Flow:
    """Make the flow of a seed; always the same."""
    random = Random(seed)
    folds = random.random() < 0.7
    return Flow(tuple(_life(random, folds) for _ in range(random.choice((1, 2, 2, 3)))))


def _life(random: Random, folds: bool) -> Life:
    end = random.choice(ENDS)
    faults = [_fault(random) for _ in range(random.choice((0, 0, 0, 0, 0, 1, 1, 2)))]
    if end in ("kill", "power loss") and random.random() < 0.6:
        # In the middle of something.
        is_early = random.random() < 0.2
        nth = random.randrange(1, 30 if is_early else 16)
        faults.append(Fault(POWER_OFF, nth=nth, is_early=is_early))
    commit_s = random.choice((0.0, 0.0, 0.0, 0.3, 2.0))
    return Life(
        callers=tuple(_caller(random) for _ in range(random.choice((1, 2, 4, 6, 9)))),
        readings=tuple(_reading(random) for _ in range(random.choice((0, 0, 1, 2)))),
        faults=tuple(faults),
        lasts=random.choice((0.0, 1.0, 3.0, 9.0, 9.0)),
        steps=random.randrange(12),
        end=end,
        seed=random.getrandbits(32),
        commit_s=commit_s,
        # Once in a while another program opens the store, which keeps none.
        folds=folds and random.random() < 0.9,
        segment_bytes_max=random.choice((700, 1_500, 1_500, 100_000)),
        max_waiting=random.choice((1, 3, 100, 100)),
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
        lot=random.choice(LOTS),
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
    lot = random.choice(LOTS) if what != "follow" or random.random() < 0.3 else None
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
        nth=random.choice((1, 1, 2, 3, 5, 8, 13)),
        path=random.choice(("", "", "/journal/", "/index/", "/snapshots/")),
        short=random.randrange(300) if operation == "write" and random.random() < 0.4 else None,
        times=random.choice((None, 1, 2)),
        is_early=random.random() < 0.3,
    )


def _damage(random: Random) -> Any:
    return tuple(random.choice(DAMAGES) for _ in range(random.choice((0, 0, 1, 2))))
