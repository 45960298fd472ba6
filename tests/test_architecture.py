"""Arrows point one way: which part of the library may know which."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator

import pytest

from source_tree import ROOT, Module, imagined, module_of, package

LAYERS = (
    # Each may import what stands in its own line and in the lines above it.
    ("errors", "jsonvalue", "one_task", "uninterrupted"),
    ("journal.chain", "journal.index_file", "journal.layout", "journal.line",
     "journal.line_search", "journal.record", "journal.scan", "journal.snapshots.index",
     "journal.snapshots.lines", "journal.snapshots.scan"),
    ("filter",),
    ("journal",),
    ("doctor",),
    ("admission", "decision", "drafting", "duplicates", "events", "fold", "parts", "proposal",
     "recent", "records", "request", "result", "snapshots"),
    ("validating",),
    ("scope", "actor"),
    ("consideration", "feed", "intake", "messages", "opening", "reader", "reading", "receptionist",
     "status", "store", "supervisor", "tasks"),
    ("",),
    ("safekeeping",),
    ("testing",),
    ("gateway.protocol",),
    ("gateway.access", "gateway.stream"),
    ("gateway",),
    ("cli", "__main__"),
)  # fmt: skip
"""Modules and folders of `atomic_store`, the lowest first; `""` is `atomic_store` itself."""

PURE = (
    "admission",
    "decision",
    "doctor.checks",
    "doctor.facts",
    "doctor.findings",
    "doctor.mounts",
    "doctor.versions",
    "events",
    "filter",
    "fold",
    "gateway.access.offers",
    "gateway.access.origins",
    "gateway.access.refusal",
    "gateway.access.token_text",
    "gateway.access.tokens",
    "gateway.client.backoff",
    "gateway.client.calls",
    "gateway.client.conversation",
    "gateway.client.errors",
    "gateway.client.pasts",
    "gateway.client.wire",
    "gateway.protocol",
    "gateway.stream.fragments",
    "gateway.stream.frames",
    "gateway.stream.request_head",
    "journal.chain",
    "journal.drafts",
    "journal.index_file",
    "journal.layout",
    "journal.line",
    "journal.line_search",
    "journal.record",
    "journal.scan",
    "journal.snapshots.index",
    "journal.snapshots.lines",
    "journal.snapshots.scan",
    "jsonvalue",
    "recent",
    "records",
    "safekeeping.gathering",
    "safekeeping.keeping",
    "safekeeping.lines",
    "safekeeping.proposals_seen",
    "safekeeping.salvage",
)
"""They take values and return values: the clock, ids, tasks and the disk are someone else's."""

IMPURE = {
    "asyncio", "io", "logging", "os", "pathlib", "random", "secrets", "shutil",
    "signal", "socket", "subprocess", "sys", "tempfile", "threading", "time", "trio", "uuid_utils",
}  # fmt: skip

IMPURE_CALLS = re.compile(
    r"(.*\.)?(now|utcnow|today|uuid1|uuid4|uuid6|uuid7)|open|print|input|breakpoint"
)

THIRD_PARTY = {
    "cli": {"click"},
    "cli.inspect": {"click", "inspector"},
    "gateway": {"h11", "prometheus_client", "trio_websocket", "wsproto"},
}
"""What only one folder may import, beside what all may."""

NEVER_WITH_THE_LIBRARY = {"click", "textual", "trio_websocket", "wsproto", "sphinx", "pytest"}

PACKAGE = package()


def inner(name: str) -> str:
    """A module's name without the library's."""
    return name.removeprefix("atomic_store").removeprefix(".")


def place(name: str, places: Iterable[str]) -> str | None:
    """The longest of some names that is this module, or a folder around it."""
    name = inner(name)
    around = [p for p in places if name == p or (p and name.startswith(p + "."))]
    return max(around, key=len, default=None)


def layer(name: str) -> int:
    """The number of a module's layer."""
    at = place(name, [p for names in LAYERS for p in names])
    assert at is not None, f"{name}: which line of LAYERS does it belong to?"
    return next(i for i, names in enumerate(LAYERS) if at in names)


def arrows(module: Module, *, with_types: bool) -> Iterator[tuple[int, str]]:
    """The library's modules that a module imports, with the lines where it does."""
    for imported in module.imports():
        target = module_of(imported.target, PACKAGE)
        if (
            target is not None
            and target != module.name
            and (with_types or not imported.is_for_types)
        ):
            yield imported.line, target


def upward(module: Module) -> list[str]:
    """The imports that point to a higher layer."""
    own = layer(module.name)
    return [
        f"{module.name}:{line} imports {target}"
        for line, target in arrows(module, with_types=True)
        if layer(target) > own
    ]


def impure(module: Module) -> list[str]:
    """What a pure module must not do, and does."""
    found = []
    for imported in module.imports():
        target = module_of(imported.target, PACKAGE)
        is_foreign = target is None and imported.target.split(".")[0] in IMPURE
        is_shell = target is not None and target != "atomic_store.errors" and not is_pure(target)
        if not imported.is_for_types and (is_foreign or is_shell):
            found.append(f"{module.name}:{imported.line} imports {imported.target}")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and IMPURE_CALLS.fullmatch(ast.unparse(node.func)):
            found.append(f"{module.name}:{node.lineno} calls {ast.unparse(node.func)}")
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncWith | ast.AsyncFor):
            found.append(f"{module.name}:{node.lineno} is asynchronous")
    return found


def is_pure(name: str) -> bool:
    """Whether a module is on the list of pure ones."""
    return place(name, PURE) is not None


def foreign(module: Module) -> set[str]:
    """The packages that a module imports and that are neither Python's nor the library."""
    roots = {imported.target.split(".")[0] for imported in module.imports()}
    return roots - set(sys.stdlib_module_names) - {"atomic_store"}


def dependencies() -> set[str]:
    """The packages that installing the library brings along, as they are imported."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = [re.match(r"[\w.-]+", line) for line in project["dependencies"]]
    return {name[0].replace("-", "_") for name in names if name}


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The rings in a graph of imports; each is found from one of its members."""
    rings: list[list[str]] = []
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> None:
        if name in trail:
            rings.append([*trail[trail.index(name) :], name])
        elif name not in done:
            for target in sorted(graph.get(name, ())):
                visit(target, [*trail, name])
            done.add(name)

    for name in sorted(graph):
        visit(name, [])
    return rings


@pytest.mark.parametrize("name", PACKAGE)
def test_arrows_point_one_way(name: str) -> None:
    """No module imports one of a higher layer, not even for its types."""
    assert [] == upward(PACKAGE[name])


@pytest.mark.parametrize("name", [name for name in PACKAGE if is_pure(name)])
def test_pure_modules_are_pure(name: str) -> None:
    """A pure module imports and calls nothing that knows tasks, the clock, chance or the disk."""
    assert [] == impure(PACKAGE[name])


def test_lists_name_what_is_there() -> None:
    """Each name in the lists above is a module of the library."""
    listed = {p for names in LAYERS for p in names} | set(PURE) | set(THIRD_PARTY)
    there = {inner(name) for name in PACKAGE}

    assert set() == listed - there


def test_imports_make_no_ring() -> None:
    """Following the imports of a module, one never comes back to it."""
    graph = {
        name: {target for _, target in arrows(module, with_types=False)}
        for name, module in PACKAGE.items()
    }

    assert [] == cycles(graph)


def test_foreign_packages_stay_in_their_room() -> None:
    """Only the command line imports click; nobody imports what is not a dependency."""
    everywhere = dependencies() - {name for names in THIRD_PARTY.values() for name in names}
    strangers = {}
    for name, module in PACKAGE.items():
        room = place(name, THIRD_PARTY)
        allowed = everywhere | (THIRD_PARTY[room] if room else set())
        if foreign(module) - allowed:
            strangers[name] = foreign(module) - allowed

    assert {} == strangers


def test_every_dependency_is_used() -> None:
    """What pyproject.toml makes users install is imported somewhere."""
    used = set().union(*(foreign(module) for module in PACKAGE.values()))

    assert set() == dependencies() - used


@pytest.mark.parametrize("name", ["atomic_store", "atomic_store.journal"])
def test_importing_the_library_is_light(name: str) -> None:
    """Importing the library loads neither the command line, nor a screen, nor a web server."""
    program = f"import json, sys, {name}; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    loaded = {module.split(".")[0] for module in json.loads(answer.stdout)}

    assert set() == loaded & NEVER_WITH_THE_LIBRARY


def test_an_upward_import_is_found() -> None:
    """A journal that knows of scopes is named, also where it imports for types alone."""
    module = imagined(
        "atomic_store.journal.line",
        "from ..errors import shown\nif TYPE_CHECKING:\n    from ..scope import Scope\n",
    )

    assert ["atomic_store.journal.line:3 imports atomic_store.scope"] == upward(module)


def test_impurity_is_found() -> None:
    """A pure module's imports, calls and `async` that reach outside are each named."""
    source = """
import trio
from os import path
from .commit import Commit
from datetime import datetime

def stamp():
    def late():
        import random
    open("x")
    return datetime.now()

async def wait(): ...
"""

    found = impure(imagined("atomic_store.journal.line", source))

    assert [
        "atomic_store.journal.line:2 imports trio",
        "atomic_store.journal.line:3 imports os.path",
        "atomic_store.journal.line:4 imports atomic_store.journal.commit.Commit",
        "atomic_store.journal.line:7 imports random",
        "atomic_store.journal.line:13 is asynchronous",
        "atomic_store.journal.line:10 calls open",
        "atomic_store.journal.line:11 calls datetime.now",
    ] == found


def test_a_ring_is_found() -> None:
    """Two modules that import each other are a ring; a diamond is none."""
    assert [["b", "c", "b"]] == cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}})
    assert [] == cycles({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}})
