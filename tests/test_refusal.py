"""What a refused request is told."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from atomic_store.gateway.access.refusal import refused
from atomic_store.gateway.protocol.codes import CloseCode
from token_files import token


@given(st.sampled_from([400, 401, 403]), st.text(max_size=200), st.binary(max_size=2_000))
@example(403, "x" * 200, b"y")
def test_a_reason_fits_a_close_frame(status: int, expected: str, found: bytes) -> None:
    """At most 123 bytes of printable ASCII, whatever was found."""
    reason = refused(status, "Origin", expected, found).reason

    assert len(reason.encode()) <= 123
    assert reason.isascii()
    assert refused(status, "Origin", "x", found).reason.isprintable()


def test_the_code_follows_the_status() -> None:
    """401 closes with 4401, all else with 4403."""
    codes = [refused(status, "a", "b", "c").close for status in (400, 401, 403)]

    assert [CloseCode.FORBIDDEN, CloseCode.UNAUTHORIZED, CloseCode.FORBIDDEN] == codes


@given(st.integers(0, 60), st.integers(4, 47))
def test_a_token_that_was_found_is_not_told(before: int, length: int) -> None:
    """Nor the part of it that would fit."""
    secret = token(2**255 // 3)
    found = b"x" * before + secret[:length].encode()

    assert secret[4:10] not in refused(403, "Origin", "another", found).reason
