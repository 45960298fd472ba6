"""What the tests of the house style read out of the source: modules and their imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parent.parent


@attrs.frozen
class Import:
    """One imported module, or one name out of one."""

    line: int
    target: str
    """Its full dotted name; for `from a import b`, ``a.b``."""
    is_for_types: bool
    """It stands under `if TYPE_CHECKING`, and never runs."""


@attrs.frozen
class Module:
    """A Python file."""

    name: str
    """Its dotted name: ``atomic_store.journal.line``."""
    path: Path
    source: str

    @property
    def tree(self) -> ast.Module:
        """The parsed source."""
        return ast.parse(self.source, str(self.path))

    @property
    def is_package(self) -> bool:
        """It is a folder's `__init__.py`."""
        return self.path.name == "__init__.py"

    def imports(self) -> list[Import]:
        """Everything that it imports, wherever in the file."""
        return list(_imports_in(self.tree.body, self, is_for_types=False))


def module_at(path: Path, source: str | None = None) -> Module:
    """Read a file below the project's root, or take `source` for it."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path, path.read_text("utf-8") if source is None else source)


def imagined(name: str, source: str) -> Module:
    """A module that does not exist, for the tests of the tests."""
    return module_at(ROOT / (name.replace(".", "/") + ".py"), source)


def modules(*folders: str) -> list[Module]:
    """All modules below some folders of the project, by path."""
    paths = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [module_at(path) for path in sorted(paths)]


def package() -> dict[str, Module]:
    """The modules of the library, by name."""
    return {module.name: module for module in modules("atomic_store")}


def module_of(target: str, names: set[str] | dict[str, Module]) -> str | None:
    """The module that an import's target is, or is a name of; None if it is not one of `names`."""
    while target and target not in names:
        target = target.rpartition(".")[0]
    return target or None


def _imports_in(body: list[ast.stmt], module: Module, *, is_for_types: bool) -> Iterator[Import]:
    for statement in body:
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
            yield from _imports_in(statement.body, module, is_for_types=True)
            yield from _imports_in(statement.orelse, module, is_for_types=is_for_types)
            continue
        for node in ast.walk(statement):
            for target in _targets(node, module):
                yield Import(statement.lineno, target, is_for_types)


def _targets(node: ast.AST, module: Module) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        steps = node.level - (1 if module.is_package else 0)
        above = module.name.split(".")[: len(module.name.split(".")) - steps]
        base = ".".join([*above, *([node.module] if node.module else [])])
    return [f"{base}.{alias.name}" for alias in node.names]
