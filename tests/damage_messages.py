"""What the journal's code can say of damage, read out of its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

from source_tree import modules

_EXPECTED: dict[str, int] = {
    # The argument that says what was expected, of each call that makes a message.
    "JournalCorrupt": 2, "NotALine": 0, "Misplaced": 0, "Problem": 2, "self._add": 3,
    "_unfinished": 1, "missing": 2,
}  # fmt: skip


def expectations() -> dict[str, str]:
    """All that can stand behind `expected` in a finding, `…` for what varies, and where it is."""
    found: dict[str, str] = {}
    for name, tree in _trees():
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                for line, text in _in_function(function):
                    found.setdefault(text, f"{name}:{line}")
    return found


def notes() -> dict[str, str]:
    """All notes of `verify` and of opening, `…` for what varies, and where they are."""
    found: dict[str, str] = {}
    for name, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("notes.append"):
                for text in _texts(node.args[0], {}):
                    found.setdefault(text, f"{name}:{node.lineno}")
    return found


def refusals() -> dict[str, str]:
    """All that is said of what is no store, or one of a later format, and where it is said."""
    found: dict[str, str] = {}
    for name, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "NotAStore":
                for text in _texts(node.args[0], {}):
                    found.setdefault(text, f"{name}:{node.lineno}")
            if isinstance(node, ast.FunctionDef) and node.name == "future_format":
                (said,) = (s for s in ast.walk(node) if isinstance(s, ast.Return))
                assert said.value is not None
                found.update((text, name) for text in _texts(said.value, {}))
    return found


@cache
def _trees() -> list[tuple[str, ast.Module]]:
    """The journal's modules, parsed once."""
    return [(module.name, module.tree) for module in modules("atomic_store/journal")]


def _in_function(function: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    assigned = _assigned(function)
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        place = _EXPECTED.get(ast.unparse(node.func))
        if place is not None and len(node.args) > place:
            for text in _texts(node.args[place], assigned):
                yield node.lineno, text


def _assigned(function: ast.FunctionDef) -> dict[str, list[ast.expr]]:
    """What a function's names may stand for: `expected = "…"`, also of several at once."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign):
            continue
        target, value = node.targets[0], node.value
        pairs = [(target, value)]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = list(zip(target.elts, value.elts, strict=True))
        for name, given in pairs:
            if isinstance(name, ast.Name):
                found.setdefault(name.id, []).append(given)
    return found


def _texts(node: ast.expr, assigned: dict[str, list[ast.expr]]) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            if text:
                yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "…" for p in parts)
        case ast.IfExp(body=one, orelse=other) | ast.BoolOp(values=[one, other]):
            yield from _texts(one, assigned)
            yield from _texts(other, assigned)
        case ast.Name(id=name):
            for value in assigned.get(name, ()):
                yield from _texts(value, {})
        case _:
            pass
