"""A failure of a disk that somebody has planned."""

from __future__ import annotations

from typing import final

import attrs


@final
@attrs.define(eq=False)
class DiskFault:
    """An operation that will fail; see `FaultyDisk.fail`."""

    operation: str
    path: str
    error: int
    short: int | None
    times: int | None
    # Invariant: counts down to the call that fails.
    wait: int

    def strikes(self, operation: str, path: str) -> bool:
        """Whether this call is to fail, or to be short; it counts them."""
        is_over = self.times == 0 and self.short is None
        if operation != self.operation or self.path not in path or is_over:
            return False
        self.wait -= 1
        if self.wait > 0:
            return False
        if self.times is not None:
            self.times -= 1
        return True
