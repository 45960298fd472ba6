"""Whatever bytes come in from outside: what is kept of long searches, and some that nobody saw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from atomic_store.cli import bids_file, ending
from atomic_store.filter import filter as filter_
from atomic_store.gateway.access import token_text
from atomic_store.gateway.protocol.session import Session
from atomic_store.journal import tail
from campaigns.fuzz import TARGETS, corpus, target
from campaigns.fuzz.edits import CHANGE_BYTES, Change, Kind, changes_of
from campaigns.fuzz.keeping import worth_keeping
from campaigns.gateway.broken import told_twice

KEPT = {name: sorted(path for path in corpus(name).iterdir()) for name in TARGETS}
EXAMPLES = {"conversation": 30, "arguments": 100}
"""Of those that cost more; 200 of the others."""

changes = st.builds(Change, st.sampled_from(Kind), st.integers(0, 2**16 - 1), st.integers(0, 255))


@pytest.mark.parametrize(
    ("name", "path"),
    [(name, path) for name, paths in KEPT.items() for path in paths],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_what_is_kept(name: str, path: Path) -> None:
    """Each input that a search has found once is taken, or refused, as it should be."""
    target(name)(path.read_bytes())


def test_something_is_kept() -> None:
    """Each target has inputs, and all of them are small."""
    assert all(len(paths) >= 10 for paths in KEPT.values())
    assert all(path.stat().st_size <= 2_048 for paths in KEPT.values() for path in paths)


@pytest.mark.parametrize("name", TARGETS)
def test_what_nobody_has_seen(name: str) -> None:
    """Noise, and changes to what is kept, are taken or refused as well."""
    fuzz = target(name)
    known = [path.read_bytes() for path in KEPT[name]]

    @settings(max_examples=EXAMPLES.get(name, 200))
    @example(data=b"", some=[])
    @given(
        data=st.sampled_from(known) | st.binary(max_size=200),
        some=st.lists(changes, max_size=3),
    )
    def search(data: bytes, some: list[Change]) -> None:
        for change in some:
            data = change.made(data)
        fuzz(data)

    search()


def test_changes_are_read() -> None:
    """Four bytes are a change; each kind does what it says."""
    made = [Change(Kind(number), 1, 2).made(b"abcd") for number in range(len(Kind))]

    assert [Change(Kind.PUT, 258, 7), Change(Kind.FLIP, 0, 0)] == [
        *changes_of(bytes([1, 1, 2, 7, 0]).ljust(2 * CHANGE_BYTES, b"\0"))
    ]
    assert [b"afcd", b"a\x02cd", b"a\x02bcd", b"ad", b"a", bytes(4), b"abcbcd"] == made


def test_few_are_kept() -> None:
    """Of inputs that reach the same, the smallest is kept; what reaches nothing new is not."""
    kept = worth_keeping(target("filter"), [b"a = 1", b"type = 1", b"type = 12", b"type", b"a"])

    assert len(kept) < 5
    assert b"type = 12" not in kept


# --- each target finds what it is for ---------------------------------------------------------


@contextmanager
def error_without_a_line() -> Iterator[None]:
    """Errors in files of bids name no line."""
    bad = bids_file._bad
    with patch.object(bids_file, "_bad", lambda name, line, *more: bad(name, 0, *more)):
        yield


@contextmanager
def note_lost() -> Iterator[None]:
    """A token file is written without its notes."""

    def without_notes(tokens: Any) -> bytes:
        entries = tuple(attrs.evolve(entry, note=None) for entry in tokens.entries)
        return write(type(tokens)(entries))

    write = token_text.write
    with patch.object(token_text, "write", without_notes):
        yield


BROKEN: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "scanner": lambda: patch.object(tail, "is_beginning", lambda *args, **more: True),
    "filter": lambda: patch.object(filter_, "needles_of", lambda node: ((b"\0",),)),
    "session": lambda: patch.object(Session, "end", lambda self, id_: None),
    "conversation": told_twice,
    "arguments": lambda: patch.object(ending, "_told", lambda error: None),
    "token_file": note_lost,
    "bids": error_without_a_line,
}


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_broken_is_found(name: str) -> None:
    """With the code broken in one place, something that is kept shows it."""
    fuzz = target(name)
    with BROKEN[name]():
        with pytest.raises(BaseException) as found:
            for path in KEPT[name]:
                fuzz(path.read_bytes())

    assert not isinstance(found.value, KeyboardInterrupt | SystemExit)
