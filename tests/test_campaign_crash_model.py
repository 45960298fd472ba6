"""The model of what a loss of power leaves keeps its word, and nothing more."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from campaigns.crash_model import CrashModel, Left, Mixture, Whole
from campaigns.shim import Action, Call, Entry

ROOT = Path("/watched")
ALL, NONE = Whole(True), Whole(False)


def entry(call: Call, **values: object) -> Entry:
    """An entry of a log in which a call succeeded."""
    given = {"file": -1, "error": 0, "action": Action.NOTHING, "result": 0, "offset": 0}
    return Entry(**{"call": call, "path": "", "data": b"", **given, **values})  # type: ignore[arg-type]


def opened(name: str, file: int) -> Entry:
    return entry(Call.OPEN, path=f"{ROOT}{name}", result=file, offset=os.O_CREAT | os.O_RDWR)


def written(file: int, data: bytes, offset: int = 0) -> Entry:
    return entry(Call.WRITE, file=file, data=data, offset=offset, result=len(data))


def after(*entries: Entry) -> CrashModel:
    """A model that has taken some entries."""
    model = CrashModel(ROOT)
    for one in entries:
        model.take(one)
    return model


DIRECTORY = [opened("", 9), entry(Call.FSYNC, file=9)]


def mixtures(model: CrashModel, count: int = 300) -> list[Left]:
    """Some states that it may leave."""
    random = Random(1)
    return [model.left(Mixture(random)) for _ in range(count)]


def test_nothing_is_durable_before_it_is_synced() -> None:
    """A new file is there or not; its name needs the directory's sync, its bytes its own."""
    begun = [opened("/a", 3), written(3, b"one")]

    assert {"/a": b"one"} == after(*begun).left(ALL)
    assert {} == after(*begun).left(NONE)
    assert {} == after(*begun, entry(Call.FDATASYNC, file=3)).left(NONE)
    assert {"/a": b""} == after(*begun, *DIRECTORY).left(NONE)
    assert {"/a": b"one"} == after(*begun, entry(Call.FDATASYNC, file=3), *DIRECTORY).left(NONE)


def test_sectors_come_one_by_one() -> None:
    """Of an unsynced write any sectors and any size may be there, and any older version."""
    model = after(opened("/a", 3), *DIRECTORY, written(3, b"x" * 1024), written(3, b"y" * 512))

    left = [state["/a"] for state in mixtures(model)]

    expected = {b"", b"y" * 512 + b"x" * 512, b"x" * 1024, b"\0" * 512 + b"x" * 512, b"\0" * 1024}
    assert expected <= set(left)
    assert all(content is not None and len(content) <= 1024 for content in left)


def test_names_come_one_by_one() -> None:
    """Of two names that were not synced the second may be there without the first."""
    model = after(opened("/a", 3), opened("/b", 4))

    names = {tuple(sorted(state)) for state in mixtures(model)}
    assert {(), ("/a",), ("/b",), ("/a", "/b")} == names


def test_a_renamed_file_is_one_of_both() -> None:
    """Until the directory is synced, a file has its old name or its new one."""
    moved = entry(Call.RENAME, path=f"{ROOT}/a", data=os.fsencode(f"{ROOT}/b"))
    model = after(opened("/a", 3), *DIRECTORY, moved)

    assert {("/a",), ("/b",)} == {tuple(state) for state in mixtures(model)}
    model.take(DIRECTORY[1])
    assert {("/b",)} == {tuple(state) for state in mixtures(model)}


def test_a_failed_sync_loses_what_it_was_for() -> None:
    """After it no sync brings those bytes to the disk; writing them again does."""
    failed = entry(Call.FDATASYNC, file=3, result=-1, error=5, action=Action.FAIL)
    synced = entry(Call.FDATASYNC, file=3)
    model = after(opened("/a", 3), *DIRECTORY, written(3, b"one"), failed, synced)

    assert {"/a": b"one"} != model.left(ALL)
    model.take(written(3, b"one"))
    model.take(synced)
    assert {"/a": b"one"} == model.left(NONE)


def test_a_lying_sync_does_nothing() -> None:
    """It succeeds, and nothing is durable."""
    lie = entry(Call.FDATASYNC, file=3, action=Action.LIE)

    assert {"/a": b""} == after(opened("/a", 3), *DIRECTORY, written(3, b"one"), lie).left(NONE)


def test_files_that_were_there(tmp_path: Path) -> None:
    """A model begins with the files of a directory, all of them durable."""
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "a").write_bytes(b"one")
    model = CrashModel.of(tmp_path)

    assert {"/journal": None, "/journal/a": b"one"} == model.left(NONE)


@pytest.mark.parametrize("size", [0, 700])
def test_a_file_that_was_cut(size: int) -> None:
    """Until it is synced it may have either size."""
    cut = entry(Call.FTRUNCATE, file=3, offset=size)
    synced = entry(Call.FSYNC, file=3)
    model = after(opened("/a", 3), *DIRECTORY, written(3, b"x" * 1024), synced, cut)

    sizes = {len(state["/a"] or b"") for state in mixtures(model)}
    assert {size, 1024} <= sizes
    model.take(synced)
    assert {"/a": b"x" * size} == model.left(NONE)
