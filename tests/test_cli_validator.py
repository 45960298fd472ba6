"""`--validator module:function`: what it finds, and what it says where it finds none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from atomic_store.cli.ending import CannotRun
from atomic_store.cli.validator import load_validator


@pytest.fixture(autouse=True)
def _modules() -> Iterator[None]:
    """Forget the modules of a test, and where they were."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def write(place: Path, name: str, *lines: str) -> None:
    """Write a module."""
    (place / name).parent.mkdir(exist_ok=True)
    (place / name).write_text("".join(f"{line}\n" for line in lines))


def test_it_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the directory first, also in a package, also as an attribute; prints go to stderr."""
    write(tmp_path, "json_rules.py", "print('hello')", "def decide(request): return 7")
    write(tmp_path, "inner/__init__.py")
    write(tmp_path, "inner/rules.py", "class House:", "  decide = staticmethod(lambda r: 8)")

    assert 7 == load_validator("json_rules:decide", tmp_path)(None)
    assert 8 == load_validator("inner.rules:House.decide", tmp_path)(None)
    assert ("", "hello\n") == capsys.readouterr()


@pytest.mark.parametrize("name", ["", "rules", "rules:", ":decide", "a b:c", "rules:decide()"])
def test_what_is_no_name(name: str, tmp_path: Path) -> None:
    """It says what would be one."""
    with pytest.raises(CannotRun, match=r"expected module:function, found '"):
        load_validator(name, tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere:decide", "expected a module nowhere, found no nowhere in this directory"),
        ("inner.nowhere:f", r"expected a module inner.nowhere, found no inner.nowhere in this"),
        ("inner:nothing", "expected nothing in inner, found no nothing"),
        ("inner:number", "--validator inner:number: expected a function, found 7"),
        (
            "needy:f",
            r"needy failed: ModuleNotFoundError: .*numpyy. \(.*needy.py, line 1",
        ),
        ("wrong:f", r"importing wrong failed: SyntaxError: .* \(.*wrong.py, line 2\)"),
        ("raising:f", r"importing raising failed: ZeroDivisionError: .* \(.*raising.py, line 2\)"),
        ("leaving:f", r"importing leaving failed: SystemExit: 3 \(.*leaving.py, line 2\)"),
    ],
)
def test_what_is_not_there(name: str, message: str, tmp_path: Path) -> None:
    """In one line: which part is missing, or what went wrong where."""
    write(tmp_path, "inner/__init__.py", "number = 7")
    write(tmp_path, "needy.py", "import numpyy")
    write(tmp_path, "wrong.py", "x = 1", "def f(:")
    write(tmp_path, "raising.py", "x = 1", "x / 0")
    write(tmp_path, "leaving.py", "import sys", "sys.exit(3)")

    with pytest.raises(CannotRun, match=message) as raised:
        load_validator(name, tmp_path)
    assert 1 == len(str(raised.value).splitlines())
