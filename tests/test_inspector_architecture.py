"""Which part of the inspector may know what."""

from __future__ import annotations

import pytest

from source_tree import Module, imagined, modules

IMPURE = {
    "asyncio", "io", "logging", "os", "pathlib", "random", "shutil", "signal", "socket",
    "subprocess", "sys", "tempfile", "threading", "time",
}  # fmt: skip

FORBIDDEN = {
    "inspector.model": {*IMPURE, "trio", "textual"},
    "inspector.sources": {"asyncio", "textual"},
    "inspector.widgets": {"trio"},
    "inspector.screens": {"trio"},
    "inspector.app": {"trio"},
}
"""What the modules of a room must not import."""

INSPECTOR = modules("inspector")


def strangers(module: Module) -> list[str]:
    """The imports that do not belong where they are."""
    return [
        f"{module.name}:{imported.line} imports {imported.target}"
        for room, forbidden in FORBIDDEN.items()
        if module.name == room or module.name.startswith(f"{room}.")
        for imported in module.imports()
        if imported.target.split(".")[0] in forbidden
    ]


@pytest.mark.parametrize("module", INSPECTOR, ids=lambda module: module.name)
def test_rooms_know_what_they_may(module: Module) -> None:
    """The model knows no tasks and no screen; what shows things knows no Trio."""
    assert [] == strangers(module)


def test_the_library_does_not_know_the_inspector() -> None:
    """Only the command that starts it may import the inspector, and only when it is run."""
    knowing = {
        module.name
        for module in modules("atomic_store")
        for imported in module.imports()
        if imported.target.split(".")[0] in {"inspector", "textual"}
    }

    assert set() == knowing - {"atomic_store.cli.inspect"}


def test_a_stranger_is_found() -> None:
    """A widget that imports Trio is named."""
    module = imagined("inspector.widgets.list", "import attrs\nfrom trio import sleep\n")

    assert ["inspector.widgets.list:2 imports trio.sleep"] == strangers(module)
