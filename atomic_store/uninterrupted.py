"""Waiting that nothing ends but what is waited for."""

from __future__ import annotations

from collections.abc import Callable

import trio


async def wait_uninterrupted(ask: Callable[[Callable[[], None]], None]) -> None:
    """
    Wait until somebody calls back, whatever happens meanwhile.

    A shield keeps cancellations out, but a KeyboardInterrupt pierces it; this does not let
    it in: it is raised at the main task's next checkpoint.

    Args:
      ask: is given the function that ends the waiting, to be called once in Trio's thread,
        now or later.
    """
    task = trio.lowlevel.current_task()
    is_over = is_parked = False

    def over() -> None:
        nonlocal is_over
        is_over = True
        if is_parked:
            trio.lowlevel.reschedule(task)

    ask(over)
    if not is_over:
        is_parked = True
        await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.FAILED)
