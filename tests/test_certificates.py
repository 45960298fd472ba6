"""TLS for `atomic-store serve`: from files that may change, and that may be wrong."""

from __future__ import annotations

import signal
import ssl
from pathlib import Path

import pytest
import trio
import trustme

from atomic_store.cli.certificates import Certificates
from atomic_store.cli.ending import CannotRun
from served_stores import serving, talking


def issue(place: Path, name: str = "localhost") -> ssl.SSLContext:
    """Put a certificate of a new authority there; gives the context that trusts it."""
    authority = trustme.CA()
    certificate = authority.issue_cert(name)
    chain = b"".join(part.bytes() for part in certificate.cert_chain_pems)
    (place / "cert.pem").write_bytes(chain)
    certificate.private_key_pem.write_to_path(place / "key.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def certificates(place: Path) -> Certificates:
    """Those there."""
    return Certificates(place / "cert.pem", place / "key.pem")


def test_nothing_older_than_tls_1_2(tmp_path: Path) -> None:
    """Whatever the system would allow."""
    issue(tmp_path)

    assert ssl.TLSVersion.TLSv1_2 == certificates(tmp_path).context.minimum_version


@pytest.mark.parametrize("missing", ["cert.pem", "key.pem"])
def test_one_that_is_not_there(missing: str, tmp_path: Path) -> None:
    """The file is named."""
    issue(tmp_path)
    (tmp_path / missing).unlink()

    with pytest.raises(CannotRun, match=f"{missing}: No such file or directory"):
        certificates(tmp_path)


def test_another_ones_key(tmp_path: Path) -> None:
    """A certificate and a key that do not belong together."""
    issue(tmp_path)
    before = (tmp_path / "key.pem").read_bytes()
    issue(tmp_path)
    (tmp_path / "key.pem").write_bytes(before)

    with pytest.raises(CannotRun, match="expected a certificate and its private key, both in PEM"):
        certificates(tmp_path)


def test_a_key_with_a_passphrase(tmp_path: Path) -> None:
    """Nobody is asked for it."""
    from cryptography.hazmat.primitives import serialization

    issue(tmp_path)
    key = serialization.load_pem_private_key((tmp_path / "key.pem").read_bytes(), None)
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )

    with pytest.raises(CannotRun, match="expected a key without a passphrase"):
        certificates(tmp_path)


async def test_it_is_served(tmp_path: Path) -> None:
    """A client that trusts the authority is served; the address says `wss`."""
    context = issue(tmp_path)
    async with serving(tmp_path / "s", *_options(tmp_path), "--host=localhost") as served:
        assert served.url.startswith("wss://localhost:")
        async with talking(served.url, context=context) as talk:
            await talk.hear()
            assert (await talk.bid(1, 500))["accepted"]
        assert 0 == await served.end()


async def test_new_ones_count_from_sighup_on(tmp_path: Path) -> None:
    """Old connections go on; files that are wrong leave all as it was."""
    old = issue(tmp_path)
    async with serving(tmp_path / "s", *_options(tmp_path), "--host=localhost") as served:
        async with talking(served.url, context=old) as before:
            await before.hear()
            new = issue(tmp_path)
            served.process.send_signal(signal.SIGHUP)
            await served.logged("certificates_reloaded")
            key = (tmp_path / "key.pem").read_bytes()
            issue(tmp_path)
            (tmp_path / "key.pem").write_bytes(key)
            served.process.send_signal(signal.SIGHUP)
            (kept,) = await served.logged("certificates_kept")

            with pytest.RaisesGroup(trio.BrokenResourceError):
                async with talking(served.url, context=old):
                    pass
            async with talking(served.url, context=new) as after:
                assert "welcome" == (await after.hear())["type"]
            assert (await before.bid(1, 500))["accepted"]
            assert ("error", True) == (kept["level"], "both in PEM" in kept["error"])
        assert 0 == await served.end()


def _options(place: Path) -> tuple[str, ...]:
    return f"--tls-cert={place / 'cert.pem'}", f"--tls-key={place / 'key.pem'}"
