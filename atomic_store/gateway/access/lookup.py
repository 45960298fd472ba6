"""What the gateway asks of whoever knows the tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import trio

from ..protocol.rights import Principal
from .tokens import Known


class Tokens(Protocol):
    """
    Whose token is this, and does it still count?

    Questions are answered at once, in Trio's thread, by what is known at that moment.
    """

    def lookup(self, token: str) -> Known | None:
        """Whose token this is; None if it is nobody's, or has expired."""
        ...

    def still_valid(self, id: str) -> Principal | None:  # noqa: A002 - as the file calls it
        """
        Whom the token with this id stands for by now, with the rights of now.

        None if it has been revoked, or has expired: what was opened with it has to end.
        """
        ...

    async def watch(
        self,
        on_change: Callable[[], None],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """
        Call back whenever other tokens are valid than before, until cancelled.

        Args:
          on_change: asks `still_valid` for each open connection. Must not raise.
          task_status: told when changes will be noticed.

        Checkpoints: always.
        Cancellation: ends it; the tokens that counted last stay in force.
        """
        ...
