"""
What lies at a path before it is opened, and how a store is made there.

A store is made in an order in which a crash leaves either nothing, or something that
shows how far it came: the directory, the lock, journal/ with a segment that has only
a header, and store.json last.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from ..errors import JournalCorrupt, JournalFailed, NotAStore, shown
from .chain import Chain
from .disk import Access, Disk, Kind
from .failing import attempting
from .files import kind_of, make_durable_file, opened, read_range, sync_directory
from .layout import (
    INDEX,
    JOURNAL,
    LOCK,
    SNAPSHOTS,
    STORE,
    is_ignored,
    is_segment_name,
    segment_name,
)
from .line import (
    FORMAT,
    FutureFormat,
    HeaderLine,
    NotALine,
    StoreLine,
    parse_line,
    parse_store,
    store_line,
)
from .segment_reader import future_format
from .segments import header_line

_STORE_BYTES_MAX = 64 * 1024
_LOCK_START = b'{"pid":'


class Found(Enum):
    """What lies at a path."""

    NOTHING = auto()
    BEGUN = auto()
    """An empty directory, or one in which a store was begun to be made."""
    STORE = auto()


def survey(disk: Disk, path: str) -> Found:
    """
    Say what lies at a path; change nothing.

    Raises:
      NotAStore: something that is not a store, nor empty.
    """
    with attempting("stat", path):
        kind = disk.kind(path, follow=True)
    if kind is Kind.NOTHING:
        return Found.NOTHING
    if kind is not Kind.DIRECTORY:
        raise NotAStore(f"expected a store's directory at {path}, found {kind.value}")
    with attempting("list", path):
        names = disk.list_directory(path)
    if STORE in names:
        return Found.STORE
    # Without a journal, directories of these names are somebody else's.
    ours = {LOCK, JOURNAL, INDEX, SNAPSHOTS} if JOURNAL in names else {LOCK}
    others = sorted(name for name in names if name not in ours and not _is_temporary(name))
    if others:
        raise NotAStore(
            f"expected a store or an empty directory at {path}, "
            f"found no {STORE} and {shown(others[0])}"
        )
    if JOURNAL in names:
        _check_begun_journal(disk, f"{path}/{JOURNAL}")
    if LOCK in names:
        _check_begun_lock(disk, f"{path}/{LOCK}")
    return Found.BEGUN


def expect_store(disk: Disk, path: str) -> None:
    """
    Check that there is a store to be read, sound or damaged.

    Raises:
      NotAStore: there is nothing, something else, or a store whose making did not get far.
    """
    found = survey(disk, path)
    directory = f"{path}/{JOURNAL}"
    if found is Found.BEGUN and kind_of(disk, directory) is Kind.DIRECTORY:
        with attempting("list", directory):
            if not all(map(is_ignored, disk.list_directory(directory))):
                return
    if found is not Found.STORE:
        what = "nothing" if found is Found.NOTHING else "a directory with no records in it"
        raise NotAStore(f"expected a store at {path}, found {what}")


def read_identity(disk: Disk, path: str) -> StoreLine:
    """
    Read store.json.

    Raises:
      NotAStore: it is of a later format, or has nothing to do with a store.
      JournalCorrupt: it is damaged.
    """
    file_path = f"{path}/{STORE}"
    if kind_of(disk, file_path) is Kind.NOTHING:
        raise JournalCorrupt(file_path, 0, "the store's line", "no file")
    try:
        with opened(disk, file_path, Access.READ) as file:
            content = read_range(disk, file, file_path, 0, _STORE_BYTES_MAX)
        return parse_store(content)
    except FutureFormat as error:
        raise NotAStore(future_format(file_path, error)) from error
    except NotALine as error:
        if kind_of(disk, f"{path}/{JOURNAL}") is Kind.NOTHING:
            raise NotAStore(
                f"expected a store at {path}, found no {JOURNAL} and a {STORE} "
                "that is not one of a store"
            ) from error
        raise JournalCorrupt(file_path, 0, error.expected, error.found, 1) from error


def create(disk: Disk, path: str, *, now: str, new_id: Callable[[], str]) -> None:
    """
    Make a store in a directory that is locked, or finish one that was begun.

    Raises:
      JournalFailed: the disk refused.
      JournalCorrupt: there are records, but no store.json.
    """
    directory = f"{path}/{JOURNAL}"
    if kind_of(disk, directory) is Kind.NOTHING:
        with attempting("mkdir", directory):
            disk.mkdir(directory)
    sync_directory(disk, path)
    header = begun_header(disk, path)
    if header is None:
        chain = Chain(new_id(), new_id())
        line, _ = header_line(chain)
        make_durable_file(disk, directory, segment_name(1), line)
        store, history = chain.store, chain.history
    else:
        # Its name may not have been durable yet.
        sync_directory(disk, directory)
        store, history = header.store, header.history
    make_durable_file(disk, path, STORE, store_line(StoreLine(FORMAT, store, history, now)))


def make_name_durable(disk: Disk, path: str, *, was_there: bool) -> None:
    """
    Make the name of a store's directory durable: without it, all in it is lost with the power.

    Also of one that was there: whoever made it may have been killed, or failed, before this.

    Raises:
      JournalFailed: the disk refused.
    """
    parent = path.rpartition("/")[0] or "/"
    try:
        sync_directory(disk, parent)
    except JournalFailed as failure:
        # Who made the directory where the store's user may not look has to see to its name.
        if not (was_there and isinstance(failure.__cause__, PermissionError)):
            raise


def begun_header(disk: Disk, path: str) -> HeaderLine | None:
    """
    Read the header of the one segment that may be there when store.json is not.

    Raises:
      JournalCorrupt: there are records, or it is damaged.
      NotAStore: it is of a later format.
      JournalFailed: the disk refused.
    """
    directory = f"{path}/{JOURNAL}"
    with attempting("list", directory):
        names = [name for name in disk.list_directory(directory) if not is_ignored(name)]
    if not names:
        return None
    segment = f"{directory}/{segment_name(1)}"
    missing = JournalCorrupt(f"{path}/{STORE}", 0, "the store's line", "no file, but records")
    if names != [segment_name(1)]:
        raise missing
    with opened(disk, segment, Access.READ) as file:
        content = read_range(disk, file, segment, 0, _STORE_BYTES_MAX)
    try:
        header = parse_line(content.partition(b"\n")[0])
    except FutureFormat as error:
        raise NotAStore(future_format(segment, error)) from error
    except NotALine as error:
        raise JournalCorrupt(segment, 0, error.expected, error.found, 1) from error
    if not isinstance(header, HeaderLine):
        raise JournalCorrupt(segment, 0, "a segment's header", "another line", 1)
    if content != header_line(Chain(header.store, header.history))[0]:
        raise missing
    return header


def _check_begun_journal(disk: Disk, directory: str) -> None:
    if kind_of(disk, directory) is not Kind.DIRECTORY:
        raise NotAStore(f"expected a directory at {directory}, found no {STORE} beside it")
    with attempting("list", directory):
        names = disk.list_directory(directory)
    for name in sorted(names):
        if not is_segment_name(name) and not is_ignored(name):
            raise NotAStore(
                f"expected segments in {directory}, found {shown(name)}, and no {STORE} beside it"
            )


def _check_begun_lock(disk: Disk, path: str) -> None:
    """Keep the hands off a lock that is somebody else's."""
    with opened(disk, path, Access.READ) as file:
        content = read_range(disk, file, path, 0, len(_LOCK_START))
    # It is not synced: after a crash its bytes may be missing, or zeros.
    if not _LOCK_START.startswith(content.rstrip(b"\0")):
        raise NotAStore(f"expected a store's lock at {path}, found {shown(content)}")


def _is_temporary(name: str) -> bool:
    return name.startswith(f".new-{STORE}")
