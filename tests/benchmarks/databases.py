"""The peers that are databases: SQLite bare, eventsourcing's recorder on it, and UmaDB."""

from __future__ import annotations

import importlib
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from .workload import Bid, data_of

_TABLE = """
    CREATE TABLE records (
        scope TEXT NOT NULL, sequence INTEGER NOT NULL, id BLOB NOT NULL,
        at TEXT NOT NULL, type TEXT NOT NULL, data BLOB NOT NULL,
        PRIMARY KEY (scope, sequence), UNIQUE (scope, id)
    )
"""
INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)"
_AT = "2026-11-23T15:04:05.123456Z"
_START_SECONDS_MAX = 10.0


class NotRun(Exception):
    """A peer cannot run here; the message says why."""


def row_of(event: Bid, sequence: int) -> tuple[object, ...]:
    """A bid as a row of the table, which holds what a record holds."""
    return event.lot, sequence, uuid.uuid4().bytes, _AT, "Bid", data_of(event)


@contextmanager
def open_sqlite(directory: Path) -> Iterator[sqlite3.Connection]:
    """A database whose every commit is synced: WAL, `synchronous=FULL`."""
    path = directory / "records.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute(_TABLE)
        yield database


def sqlite_inserts(directory: Path, events: Sequence[Bid]) -> float:
    """Insert each event in a transaction of its own, without Trio or threads."""
    rows = [row_of(event, sequence) for sequence, event in enumerate(events, 1)]
    with open_sqlite(directory) as database:
        began = time.perf_counter()
        for row in rows:
            database.execute(INSERT, row)
        return time.perf_counter() - began


def eventsourcing_inserts(directory: Path, events: Sequence[Bid]) -> float:
    """
    Insert each event by a call of its own into eventsourcing's SQLite application recorder.

    The library sets WAL, and leaves `synchronous` at what SQLite was compiled with.
    """
    persistence = _module("eventsourcing.persistence")
    sqlite = _module("eventsourcing.sqlite")
    datastore = sqlite.SQLiteDatastore(str(directory / "eventsourcing.sqlite"))
    recorder = sqlite.SQLiteApplicationRecorder(datastore)
    recorder.create_table()
    originator = uuid.uuid4()
    stored = [
        persistence.StoredEvent(originator, version, "Bid", data_of(event))
        for version, event in enumerate(events, 1)
    ]
    try:
        began = time.perf_counter()
        for event in stored:
            recorder.insert_events([event])
        return time.perf_counter() - began
    finally:
        datastore.close()


def sqlite_synchronous_default() -> str:
    """What `PRAGMA synchronous` is when nobody sets it."""
    with closing(sqlite3.connect(":memory:")) as database:
        (level,) = database.execute("PRAGMA synchronous").fetchone()
    return {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}[level]


def umadb_appends(directory: Path, events: Sequence[Bid], clients: int) -> float:
    """Append each event by a call of its own, from so many threads, to a server beside us."""
    umadb = _umadb()
    batch = [umadb.Event("Bid", data_of(event), [event.lot], uuid.uuid4()) for event in events]

    def append_some(mine: Sequence[Any]) -> None:
        for event in mine:
            client.append([event])

    with _umadb_server(umadb, directory) as client:
        threads = [
            threading.Thread(target=append_some, args=(batch[k::clients],)) for k in range(clients)
        ]
        client.append([umadb.Event("Bid", b"warm-up", ["warm-up"], uuid.uuid4())])
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began


@contextmanager
def _umadb_server(umadb: ModuleType, directory: Path) -> Iterator[Any]:
    """Run the server that comes with the package, with its defaults, and connect to it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [
        sys.executable, "-c", "import umadb.umadb_server_cli as cli; cli.main()",
        "--listen", address, "--db-path", str(directory / "uma.db"),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield _connected(umadb, f"http://{address}")
        finally:
            server.terminate()


def _connected(umadb: ModuleType, url: str) -> Any:
    deadline = time.monotonic() + _START_SECONDS_MAX
    while True:
        try:
            client = umadb.Client(url)
            client.head()
        except (umadb.TransportError, RuntimeError, OSError) as error:
            if time.monotonic() > deadline:
                raise NotRun(f"its server did not start: {error}") from error
            time.sleep(0.02)
        else:
            return client


def _umadb() -> ModuleType:
    # Importing it replaces the handler of SIGINT, which would outlive this peer.
    before = signal.getsignal(signal.SIGINT)
    try:
        return _module("umadb")
    finally:
        signal.signal(signal.SIGINT, before)


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NotRun(f"{name.partition('.')[0]} is not installed") from error
