"""The file of habits: where it is, and that nothing about it is a reason to fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from inspector.habits_file import HabitsFile, habits_path
from inspector.model.habits import DOCUMENT_BYTES_MAX, Habits

AT = "2026-11-23T15:04:05.123456Z"
SEEN = Habits().with_place("/a/b.store", AT)


@pytest.mark.parametrize(
    ("environ", "path"),
    [({"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/atomic_store/inspector.json"),
     ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/atomic_store/inspector.json"),
     ({"HOME": "/h"}, "/h/.local/state/atomic_store/inspector.json"),
     ({"HOME": ""}, None), ({}, None)],
)  # fmt: skip
def test_where_habits_are_kept(environ: dict[str, str], path: str | None) -> None:
    """They are where the convention wants a program's state, or nowhere."""
    assert (None if path is None else Path(path)) == habits_path(environ)


def test_habits_are_kept(tmp_path: Path) -> None:
    """What is changed is there the next time, for nobody else to read, and nothing beside it."""
    file = HabitsFile(tmp_path / "state" / "app" / "habits.json")

    assert (Habits(), None) == file.load()
    file.change(lambda habits: habits.with_place("/a/b.store", AT))
    file.change(lambda habits: habits.with_theme("nord"))

    assert (SEEN.with_theme("nord"), None) == HabitsFile(file.path).load()
    assert ["habits.json"] == [path.name for path in (tmp_path / "state" / "app").iterdir()]
    assert 0o600 == (tmp_path / "state" / "app" / "habits.json").stat().st_mode & 0o777


def test_the_theme_must_be_a_name(tmp_path: Path) -> None:
    """A theme that is no name is left out, and told; the rest is read."""
    path = tmp_path / "habits.json"
    path.write_bytes(SEEN.document().replace(b"null", b"[1]"))

    habits, complaint = HabitsFile(path).load()

    assert SEEN == habits
    assert "1 entry" in (complaint or "")


def test_nothing_is_kept_nowhere() -> None:
    """Without a place to keep them, habits last as long as the program."""
    assert SEEN == HabitsFile(None).change(lambda _: SEEN)
    assert (Habits(), None) == HabitsFile(None).load()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder that is a file, or a file that is a folder, is no reason to fail."""
    (tmp_path / "file").write_text("x")

    for path in (tmp_path / "file" / "habits.json", tmp_path, tmp_path / "n\0l"):
        assert SEEN == HabitsFile(path).change(lambda _: SEEN)
        assert Habits() == HabitsFile(path).load()[0]
    assert ["file"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("document", [b"\xff\xfe", b"[" * 100_000, b"x" * (DOCUMENT_BYTES_MAX + 9)])
def test_what_is_no_document(tmp_path: Path, document: bytes) -> None:
    """What cannot be read is told in a sentence, and forgotten with the next change."""
    file = HabitsFile(tmp_path / "habits.json")
    (tmp_path / "habits.json").write_bytes(document)

    habits, complaint = file.load()

    assert Habits() == habits
    assert complaint is not None
    file.change(lambda _: SEEN)
    assert (SEEN, None) == file.load()


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    """What would never end, or never begin, is not read."""
    os.mkfifo(tmp_path / "habits.json")

    assert (Habits(), None) == HabitsFile(tmp_path / "habits.json").load()
