"""Changing a token file: whole or not at all, and nobody's change is lost."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from atomic_store.gateway.access.token_changes import change_token_file, read_token_file
from atomic_store.gateway.access.token_text import BadTokenFile, write
from atomic_store.gateway.access.tokens import TokenSet
from token_files import entry, tokens


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A token file with one token."""
    path = tmp_path / "tokens.json"
    path.write_bytes(write(tokens(entry(1))))
    path.chmod(0o600)
    return path


def one_more(before: TokenSet) -> TokenSet:
    """A change that adds a token."""
    return before.with_one_more(entry(2))


def fail(before: TokenSet) -> TokenSet:
    """A change that fails."""
    raise RuntimeError("no")


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Whatever the umask says, and nothing else is left beside it."""
    old = os.umask(0)
    try:
        change_token_file(tmp_path / "t", lambda _: tokens(entry(1)), may_be_new=True)
    finally:
        os.umask(old)

    assert (tokens(entry(1)), 0o600) == read_token_file(tmp_path / "t")
    assert [tmp_path / "t"] == list(tmp_path.iterdir())


def test_a_file_that_must_be_there_is_not_made(tmp_path: Path) -> None:
    """There is nothing to take a token out of."""
    with pytest.raises(FileNotFoundError):
        change_token_file(tmp_path / "t", lambda tokens: tokens)
    assert [] == list(tmp_path.iterdir())


def test_others_stay(path: Path) -> None:
    """A change sees what is there."""
    change_token_file(path, one_more)

    assert tokens(entry(1), entry(2)) == read_token_file(path)[0]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_a_file_keeps_its_mode(mode: int, path: Path) -> None:
    """Whoever could read it can read it afterwards."""
    path.chmod(mode)
    change_token_file(path, one_more)

    assert mode == read_token_file(path)[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_keeps_its_owner(path: Path) -> None:
    """An administrator's change does not shut the gateway out."""
    os.chown(path, 1234, 5678)
    change_token_file(path, one_more)

    assert (1234, 5678) == (path.stat().st_uid, path.stat().st_gid)


def test_a_link_stays_one(path: Path) -> None:
    """What it leads to is changed."""
    link = path.parent / "link"
    link.symlink_to(path.name)
    change_token_file(link, one_more)

    assert link.is_symlink()
    assert tokens(entry(1), entry(2)) == read_token_file(path)[0]


def test_a_change_that_raises_changes_nothing(path: Path) -> None:
    """Its own error comes out, and nothing is left beside the file."""
    before = path.read_bytes()
    with pytest.raises(RuntimeError):
        change_token_file(path, fail)

    assert (before, [path]) == (path.read_bytes(), list(path.parent.iterdir()))


def test_a_damaged_file_is_left_alone(path: Path) -> None:
    """It is not overwritten."""
    path.write_bytes(b"{")
    with pytest.raises(BadTokenFile):
        change_token_file(path, one_more, may_be_new=True)

    assert b"{" == path.read_bytes()


def test_what_would_be_refused_is_not_written(path: Path) -> None:
    """Such as a name that nobody may have."""
    before = path.read_bytes()
    with pytest.raises(BadTokenFile, match="principal"):
        change_token_file(path, lambda before: before.with_one_more(entry(2, "\n")))

    assert before == path.read_bytes()


@pytest.mark.parametrize("operation", ["fsync", "replace"])
def test_a_disk_that_refuses_changes_nothing(
    operation: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old file stays, and nothing is left beside it."""

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(os if operation == "fsync" else Path, operation, refuse)
    with pytest.raises(OSError, match="No space left"):
        change_token_file(path, one_more)

    assert (before, [path]) == (path.read_bytes(), list(path.parent.iterdir()))


def test_the_order_makes_it_durable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is synced, then renamed, then its directory is synced."""
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def sync(file: int) -> None:
        done.append("directory" if os.path.isdir(f"/proc/self/fd/{file}") else "file")  # noqa: PTH112
        fsync(file)

    def rename(old: Path, new: Path) -> Path:
        done.append("rename")
        return replace(old, new)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", rename)
    change_token_file(path, one_more)

    assert ["file", "rename", "directory"] == done


def test_changes_at_the_same_time_all_count(path: Path) -> None:
    """One waits for the other, so none is lost."""

    def add(number: int) -> None:
        change_token_file(path, lambda before: before.with_one_more(entry(number)))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(2, 22)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {entry(n).id for n in range(1, 22)} == {e.id for e in read_token_file(path)[0].entries}


def test_a_change_waits_while_another_is_made(path: Path) -> None:
    """The second one does not even look before the first one is done."""
    looked: list[str] = []

    def second(before: TokenSet) -> TokenSet:
        looked.append("second")
        return before

    thread = threading.Thread(target=change_token_file, args=(path, second))

    def first(before: TokenSet) -> TokenSet:
        thread.start()
        thread.join(0.05)
        looked.append("first")
        return before

    change_token_file(path, first)
    thread.join()

    assert ["first", "second"] == looked
