"""Where a request carries its token."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store.gateway.access.offers import offered_token, subprotocols
from atomic_store.gateway.access.origins import Headers
from atomic_store.gateway.access.refusal import Refusal
from atomic_store.gateway.protocol.codes import CloseCode
from token_files import token

TOKEN = token(1)


def headers(*given: tuple[str, str]) -> Headers:
    """A request's headers."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in given]


def refusal(sent: Headers, target: str = "/") -> str:
    """Why it is refused: with the close code 4401, and without the token."""
    found = offered_token(sent, target.encode("latin-1"))
    assert isinstance(found, Refusal)
    assert (401, CloseCode.UNAUTHORIZED) == (found.status, found.close)
    assert TOKEN[4:12] not in found.reason
    return found.reason


@pytest.mark.parametrize(
    "sent",
    [
        headers(("Authorization", f"Bearer {TOKEN}")),
        headers(("AUTHORIZATION", f"bEARER   {TOKEN}")),
        headers(("Sec-WebSocket-Protocol", f"atomic-store.v1, bearer.{TOKEN}")),
        headers(("sec-websocket-protocol", f"bearer.{TOKEN},atomic-store.v1")),
        headers(("Sec-WebSocket-Protocol", "atomic-store.v1"),
                ("Sec-WebSocket-Protocol", f"Bearer.{TOKEN}")),
        headers(("Authorization", f"Bearer {TOKEN}"),
                ("Sec-WebSocket-Protocol", f"bearer.{TOKEN}")),
        headers(("Authorization", "Basic YTpi"), ("Authorization", f"Bearer {TOKEN}")),
    ],
)  # fmt: skip
def test_a_token_is_found(sent: Headers) -> None:
    """In the header or as a subprotocol, or twice the same."""
    assert TOKEN == offered_token(sent, b"/")


@pytest.mark.parametrize(
    "sent",
    [
        [],
        headers(("Sec-WebSocket-Protocol", "atomic-store.v1, , bearer")),
        headers(("Authorization", "Basic YTpi")),
        headers(("Authorization", f"BearerX {TOKEN}")),
        headers(("Authorization", "")),
        headers(("X-Authorization", f"Bearer {TOKEN}")),
    ],
)
def test_there_may_be_none(sent: Headers) -> None:
    """Then `hello` may bring one; what is of another scheme is somebody else's."""
    assert offered_token(sent, b"/events?limit=3") is None


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", f"Bearer {TOKEN} x", f"Bearer {TOKEN},",
                                   f"Bearer\t{TOKEN}", "Bearer \xe9"])  # fmt: skip
def test_a_bearer_without_a_token_is_refused(value: str) -> None:
    """It was meant as one."""
    assert "Authorization: expected Bearer and a token, found Bearer and none" == refusal(
        headers(("Authorization", value))
    )


@pytest.mark.parametrize(
    "sent",
    [
        headers(("Authorization", f"Bearer {TOKEN}"), ("Authorization", f"Bearer {token(2)}")),
        headers(("Authorization", f"Bearer {TOKEN}"),
                ("Sec-WebSocket-Protocol", f"bearer.{token(2)}")),
        headers(("Sec-WebSocket-Protocol", f"bearer.{TOKEN}, bearer.{token(2)}")),
    ],
)  # fmt: skip
def test_two_tokens_are_refused(sent: Headers) -> None:
    """Nobody is two people."""
    assert "headers: expected one token, found 2" == refusal(sent)


@pytest.mark.parametrize(
    "target",
    [
        f"/?token={TOKEN}", "/?token=x", "/?TOKEN=x", "/?a=1&access_token=x", "/?bearer",
        f"/?x={TOKEN}", f"/{TOKEN}", f"/?x=AS1_{TOKEN[4:]}", f"/?{TOKEN}", "/?%74oken=x",
        f"/?x=as1%5f{TOKEN[4:]}", f"/?x=%61s1_{TOKEN[4:]}", "/?x=%2561s1_x", "/?authorization=x",
        "/?a=b?&token=", f"/#{TOKEN}",
    ],
)  # fmt: skip
def test_a_token_in_the_address_is_refused(target: str) -> None:
    """Also a good one beside it does not help: it is to be revoked."""
    expected = "address: expected no token in it, found one, which is to be revoked"

    assert expected == refusal([], target)
    assert expected == refusal(headers(("Authorization", f"Bearer {TOKEN}")), target)


@given(st.lists(st.booleans(), min_size=47, max_size=47))
def test_a_token_is_found_however_it_is_encoded(is_encoded: list[bool]) -> None:
    """Any of its characters may be written by number."""
    text = "".join(
        f"%{ord(character):02x}" if encoded else character
        for character, encoded in zip(TOKEN, is_encoded, strict=True)
    )

    assert "address" in refusal([], f"/?x={text}")
    assert "address" in refusal([], f"/?x={quote(text)}")


@pytest.mark.parametrize(
    "target", ["", "*", "http://localhost/", f"http://x/?token={TOKEN}", TOKEN]
)
def test_what_is_no_path_is_refused(target: str) -> None:
    """A whole address would count instead of `Host`; what is said of it has no token."""
    found = offered_token([], target.encode())

    assert isinstance(found, Refusal)
    assert (400, CloseCode.FORBIDDEN) == (found.status, found.close)
    assert TOKEN[4:12] not in found.reason


def test_subprotocols_have_no_token() -> None:
    """What may be echoed is what is left, in order."""
    sent = headers(
        ("Sec-WebSocket-Protocol", f" atomic-store.v2 ,bearer.{TOKEN}, atomic-store.v1,"),
        ("Sec-WebSocket-Protocol", f"BEARER.{TOKEN}, x"),
    )

    assert ["atomic-store.v2", "atomic-store.v1", "x"] == subprotocols(sent)


@given(
    st.text(st.characters(codec="latin-1")), st.text(st.characters(codec="latin-1")), st.binary()
)
def test_any_bytes_are_decided(authorization: str, proposed: str, target: bytes) -> None:
    """Whatever stands in a request gives a token, none or a refusal."""
    sent = headers(("Authorization", authorization), ("Sec-WebSocket-Protocol", proposed))

    offered_token(sent, b"/" + target)
    assert [] == [name for name in subprotocols(sent) if name.lower().startswith("bearer.")]
