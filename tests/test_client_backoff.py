"""How long a client waits before it connects again."""

from __future__ import annotations

import pytest

from atomic_store.gateway.client.backoff import BackOff, is_final, is_final_status
from atomic_store.gateway.protocol.codes import FINAL_CLOSES, CloseCode


def test_the_longest_wait_doubles_up_to_a_limit() -> None:
    """From a tenth of a second it doubles with each failure, and never exceeds ten seconds."""
    waits = [BackOff().wait_s(failures, 1.0) for failures in range(9)]

    assert [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0] == pytest.approx(waits)
    assert 10.0 == BackOff().wait_s(10_000, 1.0)


def test_jitter_is_full() -> None:
    """Chance takes anything from nothing to the longest wait."""
    assert [0.0, 0.4, 0.8] == pytest.approx([BackOff().wait_s(3, c) for c in (0.0, 0.5, 1.0)])


def test_what_the_gateway_asks_is_waited_before() -> None:
    """The jitter comes behind it, so that all do not come back in the same moment."""
    assert [1.5, 1.6] == pytest.approx([BackOff().wait_s(0, c, 1.5) for c in (0.0, 1.0)])
    assert 0.0 == BackOff().wait_s(0, 0.0, -3.0)


@pytest.mark.parametrize("code", list(CloseCode))
def test_close_codes(code: CloseCode) -> None:
    """The final ones of the protocol are final, and no other."""
    assert (code in FINAL_CLOSES) is is_final(code)


@pytest.mark.parametrize(
    ("code", "expected"),
    [(1000, True), (1001, False), (1006, False), (1009, True), (1011, False), (4400, True),
     (4408, False), (4429, False), (4477, True), (4499, True), (4500, False), (4508, False)],
)  # fmt: skip
def test_codes_that_are_on_no_list(code: int, expected: bool) -> None:
    """A code that later versions add is final if it is one of 44xx."""
    assert expected is is_final(code)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, True), (403, True), (404, True), (408, False), (429, False), (502, False), (200, False)],
)
def test_http_statuses(status: int, expected: bool) -> None:
    """What the client is to blame for is final, but what passes by itself is not."""
    assert expected is is_final_status(status)
