"""
A flow: what callers, readers and the disk do to a store in its lives.

Times are seconds from the opening of the life's store, on a clock that jumps; steps are
checkpoints of the task behind that, in which others do what the seed of the scheduler says.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import attrs

from spoiled_files import IndexDamage, Spoiled

How: TypeAlias = Literal[
    "accept",
    "reject",
    "split",
    "too many",
    "raise",
    "no decision",
    "hang",
    "await past",
    "load past",
    "crash",
]
"""
What a round does. `split`: accepts two events. `too many`: more than a decision may have. `hang`:
never answers. `await past`, `load past`: waits until what it sees is durable, or reads it, and
accepts. `crash`: the actor itself fails.
"""

Way: TypeAlias = Literal["plain", "async", "remote", "consider", "message"]
"""How it is proposed. `remote`: an async validator asks another task, which may go away."""

What: TypeAlias = Literal["query", "outcome", "read", "tail", "follow", "message"]
"""
What is read. `read`, `tail`: from another process, once or followed; `message`: a query, by
message.
"""

End: TypeAlias = Literal["close", "raise", "cancel", "kill", "power loss"]

LOTS: Final = ("a", "b", "c")
PATH: Final = "/flow.store"
TIMEOUT_S: Final = 2.0
POWER_OFF: Final = "power off"
DECISION_EVENTS_MAX: Final = 3


@attrs.frozen
class Caller:
    """One proposal: when it comes, what it is, how it is decided, and when it is cancelled."""

    number: int
    """The event; two callers with the same one propose the same."""
    lot: str = "a"
    way: Way = "plain"
    how: How = "accept"
    after: float = 0.0
    steps: int = 0
    takes: float = 0.0
    """How long its validator takes."""
    own_id: int | None = None
    timeout: float | None = None
    cancelled_after: float | None = None
    """Or, by message, how long its proposer listens."""
    cancelled_steps: int = 0


@attrs.frozen
class Reading:
    """Somebody who reads."""

    what: What
    lot: str | None = None
    after: float = 0.0
    steps: int = 0
    behind: int = 0
    """The sequence, or position, or own id, that is asked for."""


@attrs.frozen
class Fault:
    """
    A failure of the disk, from the opening of the life on, or even within it.

    Of the operation `power off`: from the `nth` change on, nothing reaches the disk any more.
    """

    operation: str
    nth: int = 1
    path: str = ""
    short: int | None = None
    times: int | None = None
    is_early: bool = False
    """It counts from before the opening on."""


@attrs.frozen
class Life:
    """
    From opening the store to its end, and what then befalls the files.

    Attributes:
      seed: of the scheduler, and of what a power loss leaves.
      lasts, steps: when it ends.
      commit_s: how long a commit takes.
      spoiled, damage: what happens to snapshots when it has ended, and to index files: the
        first one in the middle of the life.
    """

    callers: tuple[Caller, ...] = ()
    readings: tuple[Reading, ...] = ()
    faults: tuple[Fault, ...] = ()
    lasts: float = 1.0
    steps: int = 0
    end: End = "close"
    seed: int = 0
    commit_s: float = 0.0
    folds: bool = False
    segment_bytes_max: int = 1_500
    max_waiting: int = 100
    spoiled: Spoiled = "nothing"
    damage: tuple[IndexDamage, ...] = ()


@attrs.frozen
class Flow:
    """Some lives of one store, one after the other."""

    lives: tuple[Life, ...] = ()


def source_of(value: Any, indent: str = "") -> str:
    """Write a flow as Python: what is as it is anyway is left out."""
    deeper = indent + "    "
    if isinstance(value, tuple) and value and attrs.has(type(value[0])):
        lines = [f"{deeper}{source_of(part, deeper)},\n" for part in value]
        return f"(\n{''.join(lines)}{indent})"
    if not attrs.has(type(value)):
        return repr(value)
    fields = [
        (field.name, getattr(value, field.name))
        for field in attrs.fields(type(value))
        if getattr(value, field.name) != field.default
    ]
    name = type(value).__name__
    short = ", ".join(f"{field}={source_of(part)}" for field, part in fields)
    if len(indent) + len(name) + len(short) <= 90 and "\n" not in short:
        return f"{name}({short})"
    lines = [f"{deeper}{field}={source_of(part, deeper)},\n" for field, part in fields]
    return f"{name}(\n{''.join(lines)}{indent})"
