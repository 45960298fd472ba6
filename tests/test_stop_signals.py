"""Signals that end a program, and one that does not."""

from __future__ import annotations

import os
import signal

import pytest
import trio

from atomic_store.cli.stop_signals import on_signals

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def received(
    number: signal.Signals, *, has_reload: bool
) -> tuple[list[object], list[object]]:
    """What is called for a signal, and what it and the others do afterwards."""
    seen: list[object] = []
    called = trio.Event()

    def see(what: object) -> None:
        seen.append(what)
        called.set()

    with on_signals(see, (lambda: see("reload")) if has_reload else None):
        os.kill(os.getpid(), number)
        await called.wait()
        return seen, [signal.getsignal(one) for one in SIGNALS]


@pytest.mark.parametrize("number", SIGNALS)
async def test_the_first_one_stops(number: signal.Signals) -> None:
    """And each that follows does what it does to any program."""
    before = [signal.getsignal(one) for one in SIGNALS]
    with trio.fail_after(10):
        seen, then = await received(number, has_reload=False)

    assert [number] == seen
    assert [signal.SIG_DFL] * 3 == then
    assert before == [signal.getsignal(one) for one in SIGNALS]


async def test_what_was_ignored_is_ignored() -> None:
    """As `nohup` has it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with trio.fail_after(10):
            seen, then = await received(signal.SIGTERM, has_reload=False)

        assert [signal.SIGTERM] == seen
        assert [signal.SIG_DFL, signal.SIG_DFL, signal.SIG_IGN] == then
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_sighup_may_mean_something_else() -> None:
    """Then it does not stop, and may come again."""
    before = [signal.getsignal(one) for one in SIGNALS]
    with trio.fail_after(10):
        seen, then = await received(signal.SIGHUP, has_reload=True)

    assert ["reload"] == seen
    assert all(callable(handler) for handler in then)
    assert before == [signal.getsignal(one) for one in SIGNALS]
