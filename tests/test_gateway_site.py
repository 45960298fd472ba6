"""A few files that are served as they are."""

from __future__ import annotations

import pytest

from atomic_store.gateway.stream.site import Site, StaticFile, path_of, static_file

PAGE = static_file("index.html", b"<p>")
SCRIPT = static_file("demo.js", b"1")
SITE = Site({"/": PAGE, "/demo.js": SCRIPT})


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/", PAGE),
        (b"/?x=/demo.js", PAGE),
        (b"/demo.js", SCRIPT),
        (b"/demo.js?v=1", SCRIPT),
        (b"http://localhost:1/demo.js", SCRIPT),
        (b"https://localhost", PAGE),
    ],
)
def test_files(target: bytes, expected: StaticFile) -> None:
    """A file is found by its path, whatever the query."""
    answer = SITE.answer(b"GET", target)

    assert (200, expected.content, expected.content_type) == (
        answer.status, answer.body, answer.content_type,
    )  # fmt: skip
    assert answer == SITE.answer(b"HEAD", target)


@pytest.mark.parametrize(
    "target",
    [b"/demo", b"/demo.js/", b"//demo.js", b"/../demo.js", b"/%64emo.js", b"/demo.js#x", b"*",
     b"demo.js", b"localhost:1", b"file:///demo.js", b"http://[x/", b"\xff", b""],
)  # fmt: skip
def test_nothing_there(target: bytes) -> None:
    """Nothing but a path that is on the list is found: nothing is decoded or walked."""
    assert 404 == SITE.answer(b"GET", target).status


@pytest.mark.parametrize("method", [b"POST", b"OPTIONS", b"CONNECT", b"get", b"DELETE"])
def test_other_methods(method: bytes) -> None:
    """Files can only be read."""
    assert 405 == SITE.answer(method, b"/").status


def test_content_types() -> None:
    """A type goes by the name's ending; an ending that is not on the list is refused."""
    assert "text/javascript; charset=utf-8" == static_file("a.min.js", b"").content_type
    assert "image/svg+xml" == static_file("icons/b.svg", b"").content_type
    with pytest.raises(ValueError, match=r"expected one that ends with \.css, .*found 'a\.exe'"):
        static_file("a.exe", b"")


def test_paths() -> None:
    """A target that names no path has none."""
    assert ["/a", "/", ""] == [path_of(t) for t in (b"/a?b?c", b"http://h?x", b"mailto:a@b")]
