"""
What a filter says, as values: terms, and how they are joined.

`And`, `Or` and `Not` are made by the functions at the end, which keep two invariants:
no `And` lies right in an `And`, no `Or` in an `Or` and no `Not` in a `Not`; and only the
empty filter, `EVERYTHING`, is a join of fewer than two parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final, Literal, TypeAlias, get_args

import attrs

from .times import Period


class Wild(Enum):
    """A step of a path that leads to every member or element."""

    ANY = "*"


Step: TypeAlias = str | int | Wild
"""A member's key, an element's index, or all of them."""
TextField: TypeAlias = Literal["scope", "type", "id"]
NumberField: TypeAlias = Literal["position", "sequence"]
Document: TypeAlias = Literal["data", "metadata", "meta"]
"""A part of a record that is any JSON value; `metadata` and `meta` may be missing."""
Root: TypeAlias = TextField | NumberField | Document | Literal["at"]
Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">=", "^=", "~"]
Scalar: TypeAlias = str | int | float | bool | Period | None
"""What is compared with; a `Period` if and only if it is with `at`."""

TEXT_FIELDS: Final[frozenset[str]] = frozenset(get_args(TextField))
NUMBER_FIELDS: Final[frozenset[str]] = frozenset(get_args(NumberField))
DOCUMENTS: Final[frozenset[str]] = frozenset(get_args(Document))


@attrs.frozen
class Path:
    """Where to look in a record."""

    root: Root
    steps: tuple[Step, ...] = ()
    """How to go on from there; only documents have steps."""

    @property
    def is_wild(self) -> bool:
        """Whether it may lead to more than one value."""
        return Wild.ANY in self.steps


@attrs.frozen
class Present:
    """``data.lot``: something is there, be it null."""

    path: Path


@attrs.frozen
class Compare:
    """``data.cents >= 500``."""

    path: Path
    operator: Operator
    value: Scalar


@attrs.frozen
class OneOf:
    """``type in (Bid, Closed)``."""

    path: Path
    values: tuple[Scalar, ...]


@attrs.frozen
class Anywhere:
    """``"ada"``: the text is in one of the record's strings."""

    text: str


@attrs.frozen
class And:
    """All parts hold."""

    parts: tuple[Node, ...]


@attrs.frozen
class Or:
    """At least one part holds."""

    parts: tuple[Node, ...]


@attrs.frozen
class Not:
    """The part does not hold."""

    part: Node


Node: TypeAlias = Present | Compare | OneOf | Anywhere | And | Or | Not

EVERYTHING: Final = And(())
"""The empty filter: every record matches."""


def conjunction(parts: Sequence[Node]) -> Node:
    """Join parts by `and`."""
    if len(parts) == 1:
        return parts[0]
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, And) else [part])
    return And(tuple(flat))


def disjunction(parts: Sequence[Node]) -> Node:
    """Join parts by `or`."""
    if len(parts) == 1:
        return parts[0]
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Or) else [part])
    return Or(tuple(flat))


def negation(part: Node) -> Node:
    """Turn a part into its contrary."""
    return part.part if isinstance(part, Not) else Not(part)
