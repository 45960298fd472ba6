"""The reviewed packages: their list, their page, and what an audit makes of them."""

from __future__ import annotations

import json
import subprocess
import tomllib
from typing import Any

import pytest

import audit
from atomic_store.doctor.versions import is_wanted, name_in, package_of
from audit import LOCK, PAGE, Pin, audit_of, differences, locked, powers_of, reviewed
from source_tree import ROOT

PINS = locked(LOCK.read_text("utf-8"))
ROWS = reviewed(PAGE.read_text("utf-8"))
HASH = "--hash=sha256:" + "0" * 64


def requirements() -> list[str]:
    """What pyproject.toml wants, extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    return [line for line in [*project["dependencies"], *extras] if "[" not in line]


def test_the_page_has_what_is_locked() -> None:
    """Each package once, with the version whose hashes are in the list."""
    assert {name: pin.version for name, pin in PINS.items()} == {
        name: row.version for name, row in ROWS.items()
    }
    assert all(all(row.cells) for row in ROWS.values())


@pytest.mark.parametrize("requirement", requirements())
def test_what_is_wanted_is_locked(requirement: str) -> None:
    """Each dependency has a reviewed version, and it is one that pyproject.toml allows."""
    package = package_of(requirement, None)

    assert package is not None
    assert is_wanted(PINS[name_in(requirement)].version, package.wanted)


def test_packages_may_do_what_the_page_says() -> None:
    """Of the library and the gateway, where the reviewed version is installed."""
    names = [name for name in audit.needed(extras=("gateway",)) if name in PINS]

    assert len(names) > 10
    assert [] == audit.other_powers(ROWS, names)


def test_a_list_is_read() -> None:
    """Names are compared as pip does; markers and comments are passed over."""
    text = f"# made\nA_b.c==1.0 ; os_name == 'x' \\\n    {HASH} \\\n    {HASH[:-1]}1\n    # via d\n"

    assert {"a-b-c": Pin("1.0", frozenset(["0" * 64, "0" * 63 + "1"]))} == locked(text)


@pytest.mark.parametrize("line", ["a==1.0", f"a>=1.0 {HASH}", "https://example.com/a.whl"])
def test_what_is_no_pin_is_refused(line: str) -> None:
    """Without a version or without a hash, nothing is pinned."""
    with pytest.raises(ValueError, match="expected name==version and hashes"):
        locked(line)


def test_what_was_not_reviewed_is_named() -> None:
    """Another version, and another package; one that is not there does not matter."""
    pins = {"a": Pin("1", frozenset()), "b": Pin("2", frozenset())}

    assert [
        "a 1.1 is installed, reviewed was 1",
        "d 4 is installed, reviewed was none",
    ] == differences(pins, {"a": "1.1", "b": "2", "c": None, "d": "4"})


def test_powers_are_found() -> None:
    """By imports and calls, wherever in a module."""
    source = """
import os, urllib.request
def late():
    from ctypes import CDLL
    eval("1")
"""

    assert {"network", "native calls", "makes code"} == powers_of([source])
    assert {"processes"} == powers_of(["import os\nos.fork()"])
    assert set() == powers_of(["import re\nre.compile('x')\nimport http_like, subprocesses"])


def said(*packages: dict[str, Any]) -> str:
    """What pip-audit writes."""
    return json.dumps({"dependencies": packages, "fixes": []})


def test_what_pip_audit_says_is_read() -> None:
    """What is known, and of what its database knows nothing."""
    found = audit_of(
        said(
            {"name": "a", "version": "1", "vulns": []},
            {"name": "b", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["2.1"]}]},
            {"name": "c", "skip_reason": "Dependency not found"},
        )
    )

    assert (("a", "b"), ("c",)) == (found.audited, found.skipped)
    assert ("b 2: X-1, mended in 2.1",) == found.known


@pytest.mark.parametrize("text", ["", "no known vulnerabilities", "[]", '{"dependencies": 1}'])
def test_what_pip_audit_never_says_is_refused(text: str) -> None:
    """An audit that did not happen is none."""
    with pytest.raises(ValueError, match="expected what pip-audit writes"):
        audit_of(text)


@pytest.mark.parametrize(
    ("stdout", "code", "line"),
    [
        ("", 0, "NOT AUDITED: pip-audit could not do it (no network)"),
        (said({"name": "a", "skip_reason": "x"}), 0, "NOT AUDITED: 1 of"),
        (said({"name": "a", "version": "1", "vulns": []}), 0, "audited: 1 packages, 0 known"),
        (
            said({"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": []}]}),
            1,
            "known: a 1: X-1, mended in no version",
        ),
    ],
)
def test_an_audit_says_what_it_is(
    stdout: str,
    code: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where the database cannot be reached, that is said, and is no success of the audit."""
    run = subprocess.CompletedProcess([], 1, stdout, "warning\nno network\n")
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: run)
    monkeypatch.setattr(audit, "needed", dict)

    assert code == audit.main()
    assert line in capsys.readouterr().out
