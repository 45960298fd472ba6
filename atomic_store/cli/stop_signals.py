"""Ending a program that serves, by signals: cleanly by the first one, at once by the second."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import trio

STOPPING: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def on_signals(
    stop: Callable[[signal.Signals], None], reload: Callable[[], None] | None
) -> Iterator[None]:
    """
    Call back for signals during a block, in Trio's thread, between two steps of its tasks.

    The first SIGINT or SIGTERM stops. From then on they do what they do to a program that
    knows nothing of them: they end it at once, also where it is in an endless loop. What the
    program was started to ignore, as `nohup` does with SIGHUP, it ignores.

    Args:
      stop: is called once.
      reload: is called for each SIGHUP; None: that stops, too.
    """
    token = trio.lowlevel.current_trio_token()
    meant = STOPPING if reload is not None else (*STOPPING, signal.SIGHUP)
    stopping = [one for one in meant if signal.getsignal(one) is not signal.SIG_IGN]

    def first(number: int, frame: object) -> None:
        for one in stopping:
            signal.signal(one, signal.SIG_DFL)
        token.run_sync_soon(stop, signal.Signals(number))

    def again(number: int, frame: object) -> None:
        assert reload is not None
        token.run_sync_soon(reload, idempotent=True)

    before: dict[signal.Signals, Any] = {one: signal.signal(one, first) for one in stopping}
    if reload is not None:
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, again)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
