"""What all tests share."""

from __future__ import annotations

import signal
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# So that its failures, too, show the values on both sides.
pytest.register_assert_rewrite("atomic_store.testing.conformance")

# Whoever starts this in the background, or with nohup, has signals ignored that tests send.
for _signal, _usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(_signal) == signal.SIG_IGN:
        signal.signal(_signal, _usual)

# Every run tries the same examples, and none fails because the machine is busy.
settings.register_profile(
    "same",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
# `pytest --hypothesis-profile=new` looks for examples that nobody has seen.
settings.register_profile("new", parent=settings.get_profile("default"), deadline=None)
settings.load_profile("same")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Show a test's own failure, not the group of one that pytest-trio wraps it in."""
    try:
        return (yield)
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1 and "Trio nursery" in group.message:
            raise group.exceptions[0] from None
        raise
