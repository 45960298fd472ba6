"""Who may do what, where: rights on scope prefixes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import final

import attrs


class Right(StrEnum):
    """What a principal may be allowed to do."""

    READ = "read"
    """Query and subscribe."""
    PROPOSE = "propose"
    """Hand in events."""
    DECIDE = "decide"
    """Validate one's own proposals; includes seeing the scope's past."""
    VALIDATE = "validate"
    """Validate other people's proposals; includes seeing the scope's past."""
    OPERATE = "operate"
    """See and end other people's rounds, statistics, verify."""


def _frozen(rights: Mapping[Right, tuple[str, ...]]) -> Mapping[Right, tuple[str, ...]]:
    return MappingProxyType({Right(right): tuple(prefixes) for right, prefixes in rights.items()})


@final
@attrs.frozen
class Principal:
    """
    Somebody who is known, and what he may do.

    Args:
      rights: by right, the prefixes of the scopes that it covers; ``""`` covers all. A right
        that is not there covers none.
    """

    name: str
    rights: Mapping[Right, tuple[str, ...]] = attrs.field(converter=_frozen)

    def may(self, right: Right, scope: str) -> bool:
        """Whether a right covers a scope, or all scopes that begin with a prefix."""
        # A prefix is covered by whatever it begins with, and so is each scope behind it.
        return any(scope.startswith(prefix) for prefix in self.rights.get(right, ()))

    def shown(self) -> dict[str, list[str]]:
        """The rights as the wire has them."""
        return {str(right): list(prefixes) for right, prefixes in self.rights.items() if prefixes}


LOCAL = "local"
"""The principal of every connection where there are no tokens."""


def local(*, has_function: bool) -> Principal:
    """
    The principal of all connections of a gateway without tokens.

    Args:
      has_function: the gateway decides by a function of its own, and clients do not.
    """
    kept_back = {Right.DECIDE, Right.VALIDATE} if has_function else set()
    return Principal(LOCAL, {right: ("",) for right in Right if right not in kept_back})
