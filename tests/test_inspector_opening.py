"""Opening what somebody has named, and what is said where that cannot be looked at."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import trio

from atomic_store import AtomicStoreError, NotAStore
from atomic_store.gateway import ConnectionLost, open_gateway
from atomic_store.journal.line import StoreLine, store_line
from inspector.sources.errors import NotAPlace
from inspector.sources.lasting import LastingSource
from inspector.sources.opening import open_source, path_of, shown_url
from inspector.sources.source import Feature
from inspector_sources import fill, written


async def refused(place: str, token: str | None = None) -> AtomicStoreError:
    """Try to open something; give why it was refused."""
    with trio.fail_after(30), pytest.raises(AtomicStoreError) as raised:
        async with open_source(place, token=token):
            pass
    return raised.value


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("", "expected a store's directory or a gateway's URL, found ''"),
        ("a\0b", "expected a store's directory or a gateway's URL, found 'a\\x00b'"),
        ("\ud800", "expected a store's directory or a gateway's URL, found '\\ud800'"),
        ("~nobody-has-this-name/x", "expected a store's directory or a gateway's URL, found '~"),
        ("http://shop.example", "found one with 'http'://; is it ws://…?"),
        ("HTTPS://shop.example", "found one with 'HTTPS'://; is it wss://…?"),
        ("ftp://shop.example", "expected a store's directory, or a gateway's URL with ws:// or"),
        ("ws://", "a gateway's url: expected ws://host:port/path"),
        ("ws://host:port", "Port could not be cast"),
        ("ws://host:99999", "Port out of range"),
        ("ws://[::1", "Invalid IPv6 URL"),
        ("ws://ada:secret@host/", "expected no name or password in it; give a token instead"),
        ("ws://a..b:80", "a gateway's url: expected a host's name, found 'a..b'"),
        ("ws://ada:secret@/", "expected no name or password in it; give a token instead"),
    ],
)
async def test_what_is_no_place(place: str, words: str) -> None:
    """It is refused before anything is looked at, and no secret is repeated."""
    error = await refused(place)

    assert isinstance(error, NotAPlace)
    assert words in str(error)
    assert "secret" not in str(error)


async def test_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be relative, lead through a link, and begin with one's own directory."""
    await fill(tmp_path / "a.store")
    (tmp_path / "link").symlink_to(tmp_path / "a.store")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for place in ("a.store", "./a.store/", "link", "~/a.store", str(tmp_path / "a.store")):
        async with open_source(place) as source:
            assert isinstance(source, LastingSource)
            assert source.place.startswith(str(tmp_path))
            assert source.features == {Feature.FILES, Feature.VERIFY}


async def test_what_is_no_store(tmp_path: Path) -> None:
    """Nothing, a file, another directory, a store that is not finished: each is told apart."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    await fill(tmp_path / "half.store")
    (tmp_path / "half.store" / "store.json").unlink()
    first, *others = sorted((tmp_path / "half.store" / "journal").glob("*"))
    for path in others:
        path.unlink()
    first.write_bytes(first.read_bytes().partition(b"\n")[0] + b"\n")
    for name, words in {
        "nothing": "expected a store at .*/nothing, found nothing",
        "nothing/at/all": "found nothing",
        "file": "expected a store's directory at .*/file, found a regular file",
        "other": "found no store.json and 'letter.txt'",
        "empty": "found a directory with no records in it",
        "half.store": "found one that is not finished",
    }.items():
        error = await refused(str(tmp_path / name))
        assert isinstance(error, NotAStore), name
        with pytest.raises(NotAStore, match=words):
            raise error


async def test_a_later_version(tmp_path: Path) -> None:
    """A store of a format that is not known is no damage."""
    await fill(tmp_path / "a.store")
    line = store_line(StoreLine(2, "s", "h", "2026-11-23T15:04:05.123456Z"))
    (tmp_path / "a.store" / "store.json").write_bytes(line)
    error = await refused(str(tmp_path / "a.store"))

    assert isinstance(error, NotAStore)
    assert "is of format 2; this version knows format 1 only" in str(error)


async def test_without_any_segment(tmp_path: Path) -> None:
    """A store whose journal is gone is damaged, and shown as what it is: empty."""
    await fill(tmp_path / "a.store")
    shutil.rmtree(tmp_path / "a.store" / "journal")
    async with open_source(str(tmp_path / "a.store")) as source:
        assert 0 == await source.position()
        assert (await source.health()).words.startswith("damaged: ")


async def test_urls_that_nobody_answers(tmp_path: Path) -> None:
    """A wrong port, a wrong name and something else than a gateway: an error says what was met."""
    async with written(tmp_path / "a.store") as store, open_gateway(store) as gateway:
        url = gateway.url
    error = await refused(url)
    assert isinstance(error, ConnectionLost)
    assert "no connection" in str(error)
    for url in ("ws://nobody.invalid:80", "ws://127.0.0.1:1"):
        assert isinstance(await refused(url), ConnectionLost), url


async def test_blocks_that_raise(tmp_path: Path) -> None:
    """What the block raises leaves it as itself."""
    await fill(tmp_path / "a.store")
    async with written(tmp_path / "b.store") as store, open_gateway(store) as gateway:
        for place in (str(tmp_path / "a.store"), gateway.url):
            with pytest.raises(ZeroDivisionError):
                async with open_source(place):
                    raise ZeroDivisionError


def test_how_a_url_is_shown() -> None:
    """Names, passwords and whatever stands behind a question mark are left out."""
    assert shown_url("wss://ada:secret@shop.example:8443/ws?token=secret#secret") == (
        "wss://shop.example:8443/ws"
    )


def test_paths() -> None:
    """A name that is not UTF-8 is a path all the same."""
    assert path_of("/a/\udcff") == "/a/\udcff"
