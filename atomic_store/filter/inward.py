"""
Filters with every `not` carried inward to the terms, for those who look what they need.

The same records match. What a record always has is either less than a value or not, so
there a `not` becomes another operator; of data it only says that no value is there for
which the term holds, so there it stays.
"""

from __future__ import annotations

from typing import Final

import attrs

from .terms import (
    DOCUMENTS,
    And,
    Compare,
    Node,
    Not,
    Operator,
    Or,
    conjunction,
    disjunction,
)

_CONTRARY: Final[dict[Operator, Operator]] = {
    "=": "!=", "!=": "=", "<": ">=", ">=": "<", "<=": ">", ">": "<=",
}  # fmt: skip


def inward(node: Node, *, is_negated: bool = False) -> Node:
    """Give the same filter, or its contrary, with `Not` around single terms alone."""
    match node:
        case And(parts) | Or(parts):
            inner = [inward(part, is_negated=is_negated) for part in parts]
            is_and = isinstance(node, And) is not is_negated
            return conjunction(inner) if is_and else disjunction(inner)
        case Not(part):
            return inward(part, is_negated=not is_negated)
        case Compare(path, operator, _) if is_negated and path.root not in DOCUMENTS:
            contrary = _CONTRARY.get(operator)
            return Not(node) if contrary is None else attrs.evolve(node, operator=contrary)
    return Not(node) if is_negated else node
