"""
Running some cases in a copy of the tree, each time in a process of its own.

A new Python takes a second until it has loaded pytest and what the tests need. A fork of
this one, which has loaded all that but nothing of the project, begins at once: that is
half of the time of all mutations together.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, final

import attrs
import pytest

LOADED_BEFORE = (
    "aiohttp", "attrs", "cattrs", "click", "h11", "hypothesis", "hypothesis.stateful", "jsonschema",
    "msgspec", "outcome", "prometheus_client", "trio", "trio.testing", "trio_websocket",
    "trustme", "uuid_utils", "websockets", "wsproto",
)  # fmt: skip
"""What tests import that is not the project's."""

_PYTEST_ARGUMENTS = ("-q", "-p", "no:cacheprovider", "-p", "pytest_trio.plugin")


@final
@attrs.frozen
class Case:
    """What became of one case."""

    outcome: str
    """`passed`, `failed` or `skipped`."""
    seconds: float
    how: str
    """The error of one that failed, in a line."""


@final
@attrs.frozen
class Report:
    """What became of some cases that were run together."""

    cases: dict[str, Case]
    """By their ids, in the order in which they ended."""
    problem: str | None
    """Why they say nothing, if so: they could not be collected, or not be found."""
    is_late: bool
    """They were ended, because they took too long."""
    hanging: str | None = None
    """The case that did not end, if one did not."""

    @property
    def failed(self) -> dict[str, Case]:
        """Those that failed."""
        return {name: case for name, case in self.cases.items() if case.outcome == "failed"}


def load_before(names: Iterable[str] = LOADED_BEFORE) -> None:
    """Load what the processes of the cases would else load each by itself."""
    for name in names:
        importlib.import_module(name)


def start(
    tree: Path, arguments: Iterable[str], notes: Path, *, seconds_max: int, failures_max: int = 0
) -> int:
    """
    Run cases in a process of its own.

    Args:
      tree: the copy of the project to run them in.
      arguments: ids of cases, or files, and what else pytest is to be told.
      notes: where to write what becomes of them; see `report_of`.
      seconds_max: the process is ended after so many seconds.
      failures_max: no more are run after so many have failed; 0 for all.

    Returns:
      The process's id, which is also that of its group.
    """
    notes.write_bytes(b"")
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        # What takes too long ends by this, unless it takes the signal for itself.
        signal.alarm(seconds_max)
        _run(tree, list(arguments), notes, failures_max)
    finally:
        os._exit(0)
    raise AssertionError("the process has ended")


def report_of(notes: Path, status: int) -> Report:
    """
    Read what became of cases whose process has ended.

    Args:
      status: with which it has, as `os.wait` gives it.
    """
    cases: dict[str, Case] = {}
    problem: str | None = "they were not run to their end"
    hanging: str | None = None
    for line in notes.read_text("utf-8").splitlines():
        note: dict[str, Any] = json.loads(line)
        if "begun" in note:
            hanging = note["begun"]
        elif "case" in note:
            name = note.pop("case")
            cases[name], hanging = Case(**note), None
        else:
            problem = note["problem"]
    is_late = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
    return Report(cases, problem, is_late, hanging)


# --- in the process of the cases -----------------------------------------------------------


def _run(tree: Path, arguments: list[str], notes: Path, failures_max: int) -> None:
    _take_output_to(notes.with_suffix(".out"))
    os.chdir(tree)
    os.environ.update(PYTHONPATH=str(tree), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    os.environ.pop("PYTEST_ADDOPTS", None)
    sys.path.insert(0, str(tree))
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    recorder = _Recorder(notes)
    own = [*_PYTEST_ARGUMENTS, f"--maxfail={failures_max}", f"--basetemp={notes}.tmp"]
    code = pytest.main([*own, *arguments], plugins=[recorder])
    recorder.note(problem=recorder.problem or _problem(tree, code))


def _take_output_to(path: Path) -> None:
    for number, name, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        file = os.open(name, flags, 0o600)
        os.dup2(file, number)
        os.close(file)
    os.dup2(1, 2)


def _problem(tree: Path, code: int) -> str | None:
    """Why cases say nothing that have ended with this code of pytest's."""
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return f"pytest ended with {pytest.ExitCode(code).name}"
    library = sys.modules.get("atomic_store")
    found = None if library is None else library.__file__
    if found is not None and not Path(found).is_relative_to(tree):
        return f"they ran the code in {found}"
    return None


@final
@attrs.define(eq=False)
class _Recorder:
    """Writes down what becomes of each case, as soon as that is known."""

    _notes: Path
    problem: str | None = None
    _seconds: float = 0.0
    _outcome: str = "passed"
    _how: str = ""

    def note(self, **fields: Any) -> None:
        with self._notes.open("a", encoding="utf-8") as notes:
            notes.write(json.dumps(fields) + "\n")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and self.problem is None:
            self.problem = f"{report.nodeid} could not be collected: {_line_of(report)}"

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.note(begun=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "setup":
            self._seconds, self._outcome, self._how = 0.0, "passed", ""
        self._seconds += report.duration
        if report.failed and self._outcome != "failed":
            self._outcome, self._how = "failed", _line_of(report)
        elif report.skipped and self._outcome == "passed":
            self._outcome = "skipped"
        if report.when == "teardown":
            self.note(
                case=report.nodeid, outcome=self._outcome, seconds=round(self._seconds, 3),
                how=self._how,
            )  # fmt: skip


def _line_of(report: pytest.CollectReport | pytest.TestReport) -> str:
    """The error of what failed, in a line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(report.longrepr) if crash is None else crash.message
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines or [""])[-1 if crash is None else 0][:160]
