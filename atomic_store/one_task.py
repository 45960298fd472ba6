"""What is for one task at a time says so to a second one."""

from __future__ import annotations

from typing import final

import attrs
import trio


@final
@attrs.define(eq=False)
class OneTask:
    """
    A block for one task at a time: one that comes meanwhile gets `trio.BusyResourceError`.

    Args:
      busy: what that error says.
    """

    _busy: str
    _is_entered: bool = attrs.field(default=False, init=False)

    def __enter__(self) -> None:
        if self._is_entered:
            raise trio.BusyResourceError(self._busy)
        self._is_entered = True

    def __exit__(self, *error: object) -> None:
        self._is_entered = False
