"""Folds: what a scope's events amount to, kept up to date so that nobody need scan them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, final

import attrs

E = TypeVar("E")
S = TypeVar("S")


@final
@attrs.frozen
class Fold(Generic[S, E]):
    """
    A state for each scope: ``evolve(…evolve(evolve(initial, e1), e2)…, en)``.

    Args:
      initial: the state of a scope without events. States are shared: never change one.
      evolve: gives the state after one more event. It must be pure: the same state and
        event always give the same new state, and neither is changed.
      version: to be raised whenever `initial` or `evolve` change their meaning, or what a
        state's members mean; states that were kept for another version do not count.
      state_type: the state's class, if states are to be kept on disk: an attrs class, an
        `EventType` for one with a codec of its own, or any annotation that a member of an
        event may have. Without it, a scope's whole past is gone through whenever it comes
        to life.
    """

    initial: S
    evolve: Callable[[S, E], S]
    version: int = attrs.field(default=1, kw_only=True)
    state_type: Any = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not callable(self.evolve):
            raise TypeError(f"evolve: expected a function, found {self.evolve!r}")
        if type(self.version) is not int or self.version < 1:
            raise ValueError(f"version: expected an integer from 1, found {self.version!r}")
