"""How much of everything a run does."""

from __future__ import annotations

import attrs


@attrs.frozen
class Sizes:
    """The counts of one run; every count is a number of events unless it says otherwise."""

    single: int
    """By one proposer that awaits each result."""
    proposers: int
    """How many tasks propose at the same time."""
    each: int
    """By each of them; each awaits a result before it proposes again."""
    warmup_each: int
    """By each of them before the clock starts."""
    inserts: int
    """By the peers that take one event a transaction."""
    contenders: int
    """Tasks that contend for one hot scope."""
    contended: int
    """Events that get into it, in the store and in SQLite."""
    long_past: int
    """How many events the long scope has before its admissions are timed."""
    short_past: int
    flat_each: int
    """Timed admissions in a slice of the long scope, and of a short one."""
    flat_slices: int
    """Slices in turn: a long, a short, a long …"""
    verified: int
    live_scopes: int
    coded: int
    """Events encoded and decoded."""
    grown: tuple[int, ...]
    """Stores that have grown for years, by their number of events."""
    scopes_once: int
    """How many scopes are used once each."""
    indexed: int
    """Admitted while index files are made."""
    few_subscribers: int
    many_subscribers: int
    delivered: int
    """Records sent to subscribers, each as often as it is sent to one; of slow peers fewer."""
    delivered_singly: int
    """Commits of one record each."""
    paced_s: float
    """For how long records are admitted at an even pace, in seconds."""
    remote: int
    """Clients who propose over the wire."""
    remote_each: int
    """Rounds of each of them."""
    idle: int
    """Connections that say nothing."""
    remote_past: int
    """How many events a scope has before one more is decided over the wire."""


FULL = Sizes(
    single=1_000, proposers=1_000, each=20, warmup_each=2, inserts=1_500, contenders=64,
    contended=128, long_past=1_000_000, short_past=10, flat_each=2_000, flat_slices=8,
    verified=100_000, live_scopes=1_000, coded=50_000,
    grown=(50_000, 500_000, 5_000_000), scopes_once=100_000, indexed=200_000,
    few_subscribers=50, many_subscribers=1_000, delivered=4_000_000, delivered_singly=3_000,
    paced_s=6.0, remote=50, remote_each=200, idle=1_000, remote_past=100_000,
)  # fmt: skip
"""What `docs/performance.md` shows."""

QUICK = Sizes(
    single=300, proposers=1_000, each=5, warmup_each=1, inserts=300, contenders=64,
    contended=16, long_past=10_000, short_past=10, flat_each=1_000, flat_slices=4,
    verified=20_000, live_scopes=200, coded=10_000,
    grown=(50_000,), scopes_once=5_000, indexed=40_000,
    few_subscribers=50, many_subscribers=1_000, delivered=1_000_000, delivered_singly=500,
    paced_s=2.0, remote=50, remote_each=40, idle=200, remote_past=10_000,
)  # fmt: skip
"""A look while working on the code; the figures wander more."""

TINY = Sizes(
    single=5, proposers=8, each=2, warmup_each=1, inserts=5, contenders=4,
    contended=8, long_past=40, short_past=10, flat_each=10, flat_slices=2,
    verified=30, live_scopes=4, coded=20,
    grown=(100,), scopes_once=20, indexed=20,
    few_subscribers=2, many_subscribers=3, delivered=120, delivered_singly=3,
    paced_s=0.02, remote=2, remote_each=2, idle=3, remote_past=20,
)  # fmt: skip
"""Only to see that every row runs."""
