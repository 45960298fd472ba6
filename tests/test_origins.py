"""Which pages may call the gateway, and under which names."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store.gateway.access.origins import Headers, Origins, parse_host, parse_origin
from atomic_store.gateway.protocol.codes import CloseCode

LOCAL = Origins.of(8765, has_tokens=False)
OWN = ("http://localhost:8765", "http://127.0.0.1:8765", "http://[::1]:8765")


def headers(*more: tuple[str, str], host: str | None = "localhost:8765") -> Headers:
    """A request's headers."""
    given = [("upgrade", "websocket"), *([] if host is None else [("Host", host)]), *more]
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in given]


def refused(origins: Origins, sent: Headers) -> str | None:
    """Why these headers are refused, if they are; always with the close code 4403."""
    refusal = origins.refusal(sent)
    if refusal is None:
        return None
    assert CloseCode.FORBIDDEN == refusal.close
    return f"{refusal.status} {refusal.reason}"


class TestOrigin:
    def test_no_browser_is_served(self) -> None:
        """Programs send no Origin."""
        assert refused(LOCAL, headers()) is None

    @pytest.mark.parametrize("origin", [*OWN, "HTTP://LocalHost:8765", "http://[0:0::0:1]:8765"])
    def test_its_own_pages_are_served(self, origin: str) -> None:
        """Under each of the gateway's names; case does not count, nor how IPv6 is written."""
        assert refused(LOCAL, headers(("Origin", origin))) is None

    @pytest.mark.parametrize(
        "origin",
        [
            "null", "NULL", "", "*", "http://", "localhost:8765", "//localhost:8765",
            "http://localhost", "http://localhost:80", "http://localhost:8766", "http://localhost:",
            "http://localhost:08765", "http://localhost:87650", "http://localhost:8765:8765",
            "https://localhost:8765", "ws://localhost:8765", "file://", "file:///",
            "http://evil-localhost:8765", "http://localhost.evil.com:8765",
            "http://evil.com:8765", "http://localhostevil:8765", "http://localhost-evil:8765",
            "http://evil.localhost:8765", "http://localhost.:8765", "http://.localhost:8765",
            "http://user@localhost:8765", "http://localhost:8765@evil.com",
            "http://localhost:8765/", "http://localhost:8765/x", "http://localhost:8765?x",
            "http://localhost:8765#x", "http://localhost:8765\\.evil.com",
            "http://localhost%2eevil.com:8765", "http://localhost:8765 http://evil.com",
            "http://evil.com http://localhost:8765", "http://localhost:8765, http://evil.com",
            " http://localhost:8765", "http://localhost:8765 ", "http://localhost:8765\0",
            "http://localhost:8765\n", "http://loc\xe4lhost:8765", "http://localho\u00dft:8765",
            "http://127.0.0.1.evil.com:8765", "http://127.1:8765", "http://2130706433:8765",
            "http://0x7f000001:8765", "http://0177.0.0.1:8765", "http://0.0.0.0:8765",
            "http://127.0.0.2:8765", "http://::1:8765", "http://[::1", "http://[::1]",
            "http://[::2]:8765", "http://[::]:8765", "http://[::ffff:127.0.0.1]:8765",
            "http://[::1%lo]:8765", "http://[::1%25lo]:8765", "http://[localhost]:8765",
            "http://[::1].evil.com:8765", "http://[127.0.0.1]:8765", "http://[1::2::3]:8765",
        ],
    )  # fmt: skip
    def test_other_pages_are_refused(self, origin: str) -> None:
        """Everything that is not one of the gateway's own origins, however alike."""
        assert "403 Origin: expected one that is allowed, found " in str(
            refused(LOCAL, headers(("Origin", origin)))
        )

    @pytest.mark.parametrize("second", [OWN[0], "http://evil.com"])
    def test_two_are_refused(self, second: str) -> None:
        """Also where both are allowed, and in whichever case the names are written."""
        sent = headers(("Origin", OWN[0]), ("ORIGIN", second))

        assert "403 Origin: expected one at most, found 2" == refused(LOCAL, sent)

    def test_host_does_not_decide(self) -> None:
        """A page whose origin is the request's Host is not let in for that."""
        rebound = headers(("Origin", "http://evil.com:8765"), host="evil.com:8765")
        lying = headers(("Origin", "http://evil.com:8765"))

        assert "403 Host" in str(refused(LOCAL, rebound))
        assert "403 Origin" in str(refused(LOCAL, lying))

    def test_a_list_takes_the_place_of_the_default(self) -> None:
        """What is listed is served, and the gateway's own pages are not any more."""
        origins = Origins.of(
            8765,
            origins=["https://shop.example", "http://localhost:3000", "tauri://localhost"],
            has_tokens=True,
        )

        for origin in (
            "https://shop.example", "https://shop.example:443", "http://localhost:3000",
            "tauri://localhost",
        ):  # fmt: skip
            assert refused(origins, headers(("Origin", origin))) is None
        for origin in (
            "http://shop.example", "https://shop.example:444", "https://a.shop.example",
            "https://shop.example.evil.com", OWN[0], "tauri://localhost:80", "null",
        ):  # fmt: skip
            assert "403 Origin" in str(refused(origins, headers(("Origin", origin))))

    def test_an_empty_list_refuses_all_pages(self) -> None:
        """Then only programs are served."""
        origins = Origins.of(8765, origins=[], has_tokens=True)

        assert "403 Origin" in str(refused(origins, headers(("Origin", OWN[0]))))
        assert refused(origins, headers()) is None

    @pytest.mark.parametrize(
        "origin", ["*", "null", "", "example.com", "https://example.com/", "https://*.example.com"]
    )
    def test_what_is_no_origin_cannot_be_listed(self, origin: str) -> None:
        """Nor a pattern, nor `null`, which every page can make itself be."""
        with pytest.raises(ValueError, match="expected an origin, as https"):
            Origins.of(1, origins=[origin], has_tokens=True)

    @given(st.sampled_from(OWN), st.integers(0, 40), st.characters(codec="latin-1"), st.booleans())
    def test_nothing_like_an_origin_is_served(
        self, origin: str, at: int, character: str, is_in_place: bool
    ) -> None:
        """One character more, or another, anywhere: refused, unless it comes to the same."""
        at = min(at, len(origin))
        mangled = origin[:at] + character + origin[at + is_in_place :]
        is_same = mangled.isascii() and (mangled.lower() in OWN or _is_loopback(mangled))

        assert is_same == (refused(LOCAL, headers(("Origin", mangled))) is None)


def _is_loopback(origin: str) -> bool:
    """Whether it is the loopback of IPv6 in another way of writing that: zeros, say."""
    found = re.fullmatch(r"http://\[([0-9a-f:.]+)\]:8765", origin)
    try:
        return found is not None and IPv6Address(found[1]) == IPv6Address("::1")
    except AddressValueError:
        return False


class TestHost:
    @pytest.mark.parametrize("host", ["localhost:8765", "LOCALHOST:8765", "127.0.0.1:8765"])
    def test_its_names_are_served(self, host: str) -> None:
        """With its port."""
        assert refused(LOCAL, headers(host=host)) is None
        assert refused(LOCAL, headers(host="[0::1]:8765")) is None

    @pytest.mark.parametrize(
        "host",
        [
            "", "localhost", "localhost:80", "localhost:", "localhost.:8765", "evil.com",
            "evil.com:8765", "localhost.evil.com:8765", "evil-localhost:8765", "127.1:8765",
            "user@localhost:8765", "localhost:8765, evil.com", "http://localhost:8765",
            "localhost:8765/", "localhost:+8765", "localhost:99999", "::1:8765", "[::1]x:8765",
            "[::ffff:127.0.0.1]:8765", "0.0.0.0:8765",
        ],
    )  # fmt: skip
    def test_other_names_are_refused(self, host: str) -> None:
        """A name that somebody let point to this machine is not the gateway's."""
        assert "403 Host: expected a name of this gateway, found " in str(
            refused(LOCAL, headers(host=host))
        )

    def test_none_and_two_are_refused(self) -> None:
        """Also where both are right, and in whichever case the names are written."""
        twice = headers(("hOST", "localhost:8765"))

        assert "400 Host: expected one of them, found 0" == refused(LOCAL, headers(host=None))
        assert "400 Host: expected one of them, found 2" == refused(LOCAL, twice)

    def test_a_name_may_have_another_port(self) -> None:
        """Where something before the gateway takes the connections; its pages come by TLS."""
        origins = Origins.of(
            8765, names=["events.example.com:443", "localhost", "map:9000"], has_tokens=True
        )

        for host in (
            "events.example.com", "events.example.com:443", "localhost:8765", "map:9000"
        ):  # fmt: skip
            assert refused(origins, headers(host=host)) is None
        for host in ("events.example.com:8765", "localhost", "map:8765", "map"):
            assert "403 Host" in str(refused(origins, headers(host=host)))
        page = ("Origin", "https://events.example.com")
        assert refused(origins, headers(page)) is None
        assert "403" in str(refused(origins, headers(("Origin", "http://events.example.com"))))

    def test_without_a_port_it_is_the_scheme_s(self) -> None:
        """A gateway at port 80, or 443, is called without one."""
        for port, scheme in ((80, "http"), (443, "https")):
            origins = Origins.of(port, has_tokens=False, has_tls=port == 443)
            page = ("Origin", f"{scheme}://localhost")
            assert refused(origins, headers(page, host="localhost")) is None

    def test_with_tls_its_own_pages_come_by_tls(self) -> None:
        """Pages without it are others' pages."""
        origins = Origins.of(8765, has_tokens=True, has_tls=True)

        assert refused(origins, headers(("Origin", "https://localhost:8765"))) is None
        assert "403 Origin" in str(refused(origins, headers(("Origin", OWN[0]))))

    @pytest.mark.parametrize("name", ["", "*", "http://localhost", "a b", "é", "a:0", "a:65536"])
    def test_what_is_no_name_cannot_be_one(self, name: str) -> None:
        """An error where the gateway is made."""
        with pytest.raises(ValueError, match="expected a host's name"):
            Origins.of(1, names=[name], has_tokens=False)


class TestForwarded:
    FORWARDING = (
        "Forwarded", "via", "X-Forwarded-For", "x-forwarded-host", "X-FORWARDED-PROTO",
        "X-Forwarded-Anything", "X-Forwarded",
    )  # fmt: skip

    @pytest.mark.parametrize("name", FORWARDING)
    def test_without_tokens_it_is_refused(self, name: str) -> None:
        """Whoever a proxy lets in is not somebody on this machine."""
        found = refused(LOCAL, headers((name, "")))

        assert f"403 headers: expected nothing forwarded, without tokens, found '{name}'" == found

    @pytest.mark.parametrize("name", FORWARDING)
    def test_with_tokens_it_is_served(self, name: str) -> None:
        """A token says who it is, whichever way it came."""
        origins = Origins.of(8765, has_tokens=True)

        assert refused(origins, headers((name, "1.2.3.4"))) is None


@given(st.text(st.characters(codec="latin-1")), st.text(st.characters(codec="latin-1")))
def test_any_bytes_are_decided(host: str, origin: str) -> None:
    """Whatever stands in the headers is served or refused, never an error of the gateway's."""
    LOCAL.refusal(headers(("Origin", origin), host=host))
    LOCAL.refusal(headers(("Origin", origin)))


@given(st.binary(max_size=30))
def test_what_is_parsed_is_canonical(text: bytes) -> None:
    """A host and an origin that were read are lower case and ASCII."""
    for place in (parse_host(text), parse_host(b"[" + text + b"]:80")):
        if place is not None:
            assert place.host == place.host.lower()
            assert place.host.isascii()
    assert parse_origin(text) is None or b"://" in text
