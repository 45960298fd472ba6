"""
Whether a history (`history`) agrees with the journal that is there in the end.

Each rule is a function over the `Case`, and gives the violations that it finds. The journal has
the order of everything, so nothing must be searched for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

from . import round_rules, stored_rules, timed_rules
from .case import Case, Violation
from .history import History, Stored

Rule: TypeAlias = Callable[[Case], Iterator[Violation]]

OF_THE_JOURNAL: Final[tuple[Rule, ...]] = (stored_rules.places, stored_rules.whole_decisions)

RULES: Final[tuple[Rule, ...]] = (
    stored_rules.acknowledged,
    stored_rules.proposed,
    stored_rules.nothing_stored,
    stored_rules.duplicates,
    round_rules.whole_past,
    round_rules.past_of_untold,
    round_rules.one_at_a_time,
    round_rules.in_turn,
    timed_rules.seen_before_told,
    timed_rules.real_time,
    timed_rules.queries,
    timed_rules.outcomes,
    timed_rules.subscriptions,
    timed_rules.readers,
    timed_rules.heads,
)


def check(history: History, records: Iterable[Stored], store: str | None = None) -> list[Violation]:
    """
    Compare a history with the journal that is there in the end.

    Args:
      records: all of the journal, in the order of position.
      store: the journal's history id, if opened stores named theirs.

    Returns:
      What is wrong; nothing, if all is well. A journal that is wrong in itself is compared
      with nothing.
    """
    case = Case(history, tuple(records), store)
    found = [violation for rule in OF_THE_JOURNAL for violation in rule(case)]
    return found or [violation for rule in RULES for violation in rule(case)]
