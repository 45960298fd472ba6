"""What is there to be opened, and how a path is completed."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.sources.places import completed, is_there, is_url


def test_urls() -> None:
    """A gateway has a scheme, a path has none."""
    assert [True, True, False, False, False] == [
        is_url(place) for place in ("wss://a", "http://b", "/a://b", "://", "a.store")
    ]


async def test_what_is_there(tmp_path: Path) -> None:
    """A directory is there or not; a gateway is not asked."""
    assert [True, False, None, False] == [
        await is_there(place)
        for place in (str(tmp_path), str(tmp_path / "gone"), "wss://a.example", "~nobody-here/x")
    ]


async def test_completing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first directory that begins so is given; a hidden one only if the dot is there."""
    for name in ("auction.store", "auction2.store", ".hidden", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "afile").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    assert f"{tmp_path}/auction.store/" == await completed(f"{tmp_path}/a")
    assert ["auction2.store/", "other/", ".hidden/", "~/other/"] == [
        await completed(text) for text in ("auction2", "o", ".", "~/o")
    ]
    assert [None] * 5 == [
        await completed(text) for text in ("", "x", "wss://a", f"{tmp_path}/afile/x", "n\0l/")
    ]
