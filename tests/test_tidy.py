"""The house style, as far as a program can see it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from markdown_pages import prose_of
from source_tree import ROOT, Module, imagined, modules

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70

LONGER_FILES: dict[str, tuple[int, str]] = {}
"""Files that may be longer: the path, how long, and why it is no two files."""

CODE = [*modules("atomic_store", "inspector", "tests", "docs")]
LIBRARY = [module for module in CODE if module.name.split(".")[0] in ("atomic_store", "inspector")]
TESTS = [module for module in CODE if module.path.name.startswith("test_")]

TEXT_SUFFIXES = {".py", ".md", ".toml", ".cfg", ".yml", ".yaml", ".js", ".css", ".html", ".tcss"}
NOT_TEXT = {".git", ".venv", ".nox", "_build", "build", "dist", "__pycache__"}

CHANGE_KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = Function | ast.ClassDef


def test_files_are_short() -> None:
    """No file is longer than 400 lines, unless it has a reason in the list above."""
    long = {shown(m): lines_in(m) for m in CODE if lines_in(m) > FILE_LINES_MAX}
    allowed = {path: lines for path, (lines, _) in LONGER_FILES.items()}

    assert {} == {path: n for path, n in long.items() if n > allowed.get(path, 0)}
    assert set() == allowed.keys() - long.keys(), "these need no exception any more"


@pytest.mark.parametrize("module", CODE, ids=lambda module: module.name)
def test_functions_are_short(module: Module) -> None:
    """No function is longer than 70 lines."""
    assert [] == long_functions(module)


@pytest.mark.parametrize("module", LIBRARY, ids=lambda module: module.name)
def test_the_public_is_documented(module: Module) -> None:
    """Each module of the library, and each public class and function in it, has a docstring."""
    assert [] == undocumented(module)


@pytest.mark.parametrize("module", TESTS, ids=lambda module: module.name)
def test_tests_say_what_they_test(module: Module) -> None:
    """Each test begins with a sentence that says the behaviour."""
    assert [] == silent_tests(module)


@pytest.mark.parametrize("module", LIBRARY, ids=lambda module: module.name)
def test_nothing_is_left_to_do(module: Module) -> None:
    """The library has no notes to oneself, and nothing but the command line prints."""
    assert [] == left_over(module)


def test_facade_only_hands_on() -> None:
    """`atomic_store` itself defines nothing, and `__all__` names exactly what it hands on."""
    facade = next(module for module in LIBRARY if module.name == "atomic_store")

    assert [] == more_than_handed_on(facade)


def test_version_is_one() -> None:
    """The library, pyproject.toml and the changelog agree on the version."""
    facade = next(module for module in LIBRARY if module.name == "atomic_store")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    released = re.findall(r"^## \[(\d.*?)\]", changes, re.MULTILINE)

    assert f'__version__ = "{project["version"]}"' in facade.source.splitlines()
    assert released[:1] in ([], [project["version"]])


@pytest.mark.parametrize(
    "path", ["README.md", "docs", "atomic_store", "inspector", "tests", "noxfile.py"]
)
def test_the_project_speaks_of_itself_alone(path: str) -> None:
    """No text names somebody's folders, a package server, a ticket by number, or a session."""
    found = [
        f"{file.relative_to(ROOT)}:{line}: {word}"
        for file in texts(ROOT / path)
        for line, word in strange_words(file)
    ]

    assert [] == found


@pytest.mark.parametrize("path", [".", ".ci"])
def test_texts_end_cleanly(path: str) -> None:
    """Text files are UTF-8, end with one newline, and have no blanks at the end of a line."""
    found = [
        f"{file.relative_to(ROOT)}: {complaint}"
        for file in texts(ROOT / path)
        for complaint in ragged(file.read_bytes().decode("utf-8"))
    ]

    assert [] == found


def test_changelog_has_its_shape() -> None:
    """The changelog begins with what is unreleased; then versions, the newest first, dated."""
    assert [] == misshapen((ROOT / "CHANGELOG.md").read_text("utf-8"))


# --- the checks, each a function that can be shown something bad ---------------------


def shown(module: Module) -> str:
    """A module's path from the root."""
    return str(module.path.relative_to(ROOT))


def lines_in(module: Module) -> int:
    """The number of a file's lines."""
    return len(module.source.splitlines())


def long_functions(module: Module) -> list[str]:
    """The functions that are too long; decorators and docstrings count."""
    return [
        f"{module.name}:{node.lineno} {node.name} has {length} lines"
        for node in ast.walk(module.tree)
        if isinstance(node, Function)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]


def public_parts(node: ast.Module | ast.ClassDef) -> Iterator[Documented]:
    """The public classes and functions of a module, and theirs; not what functions define."""
    for part in node.body:
        if not isinstance(part, Documented) or part.name.startswith("_"):
            continue
        names = {ast.unparse(d).rpartition(".")[2] for d in part.decorator_list}
        if names & {"overload", "setter"}:
            continue
        yield part
        if isinstance(part, ast.ClassDef):
            yield from public_parts(part)


def undocumented(module: Module) -> list[str]:
    """The public parts without a docstring."""
    missing = [] if ast.get_docstring(module.tree) else [f"{module.name} itself"]
    return missing + [
        f"{module.name}:{part.lineno} {part.name}"
        for part in public_parts(module.tree)
        if not ast.get_docstring(part)
    ]


def silent_tests(module: Module) -> list[str]:
    """The tests whose first line is no sentence."""
    return [
        f"{module.name}:{node.lineno} {node.name}"
        for node in ast.walk(module.tree)
        if isinstance(node, Function) and node.name.startswith("test_")
        if not re.match(r"[^a-z].*[.?!]", ast.get_docstring(node) or "", re.DOTALL)
    ]


def left_over(module: Module) -> list[str]:
    """Notes to oneself in comments, and calls of `print` outside of the command line."""
    tokens = tokenize.generate_tokens(io.StringIO(module.source).readline)
    notes = [
        f"{module.name}:{token.start[0]} {token.string}"
        for token in tokens
        if token.type in {tokenize.COMMENT, tokenize.STRING}
        and re.search(r"\b(TODO|FIXME|XXX|HACK)\b", token.string)
    ]
    if module.name.startswith("atomic_store.cli"):
        return notes
    return notes + [
        f"{module.name}:{node.lineno} calls print"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "pprint"}
    ]


def more_than_handed_on(facade: Module) -> list[str]:
    """What a facade does but to import names and tell its version; where `__all__` differs."""
    body = facade.tree.body
    imports = [s for s in body if isinstance(s, ast.ImportFrom) and s.module != "__future__"]
    handed = {alias.asname or alias.name for s in imports for alias in s.names}
    found = [
        f"line {s.lineno}: {ast.unparse(s).splitlines()[0]}"
        for s in body[1:]
        if not isinstance(s, ast.ImportFrom)
        and not re.match("__(all|version)__ = ", ast.unparse(s))
    ]
    named: list[str] = []
    for s in body:
        if isinstance(s, ast.Assign) and ast.unparse(s).startswith("__all__ = "):
            named = ast.literal_eval(s.value)
    found += [f"{name}: imported or in __all__, not both" for name in sorted(handed ^ set(named))]
    return found


def texts(root: Path) -> list[Path]:
    """The project's text files in a folder, or a file itself; of the root, those right in it."""
    if root.is_file():
        return [root]
    found = root.glob("*") if root == ROOT else root.rglob("*")
    return sorted(
        path
        for path in found
        if path.is_file()
        and (path.suffix in TEXT_SUFFIXES or root.name == ".ci")
        and not NOT_TEXT.intersection(path.relative_to(ROOT).parts)
    )


def strange_words(file: Path, text: str | None = None) -> Iterator[tuple[int, str]]:
    """Words that only make sense where somebody worked, with their lines."""
    # Put together here, so that this file does not find itself.
    hosts = "|".join(
        ["py" + r"pi\.org", "python" + "hosted", "npm" + r"js\.org", "crates" + r"\.io"]
    )
    folders = r"(?<![\w.])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me"]) + r")/\w"
    anywhere = re.compile(f"{hosts}|{folders}")
    ticket = re.compile(r"(?<![\w#&/])#\d+\b")
    session = re.compile(r"(?i)\bsessions?\b")
    text = file.read_text("utf-8") if text is None else text
    for number, line in enumerate(text.splitlines(), 1):
        for found in anywhere.finditer(line):
            yield number, found[0]
    for number, line in prose_of(file, text) if file.suffix == ".md" else ():
        words = re.sub(r"`[^`]*`", "", line)
        for found in ticket.finditer(words):
            yield number, found[0]
        # The runner that checks the project calls its parts so, and a module may.
        if (word := session.search(words)) and "nox" not in line.lower():
            yield number, word[0]


def ragged(text: str) -> Iterator[str]:
    """What is wrong with a text's line ends."""
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        yield "does not end with one newline"
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip():
            yield f"line {number} ends with blanks"
        if "\t" in line:
            yield f"line {number} has a tab"


def misshapen(text: str) -> list[str]:
    """Where a changelog is not what its first paragraph says."""
    found = [] if text.startswith("# Changelog\n") else ["does not begin with '# Changelog'"]
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    if not titles or titles[0] != "[Unreleased]":
        found.append("does not begin with what is unreleased")
    released = [title for title in titles if title != "[Unreleased]"]
    version = re.compile(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d\d-\d\d")
    found += [f"{title!r} is no version" for title in released if not version.fullmatch(title)]
    versions = [tuple(map(int, m.groups())) for t in released if (m := version.fullmatch(t))]
    if versions != sorted(set(versions), reverse=True):
        found.append("the versions are not in order, the newest first")
    kinds = re.findall(r"^### (.*)$", text, re.MULTILINE)
    found += [f"{kind!r} is no kind of change" for kind in kinds if kind not in CHANGE_KINDS]
    return found


# --- each check finds what it is for ---------------------------------------------------

LONG_FUNCTION = "def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX
BAD_MODULES: list[tuple[Callable[[Module], list[str]], str, list[str]]] = [
    (long_functions, LONG_FUNCTION, ["atomic_store.bad:1 f has 71 lines"]),
    (undocumented, '"""A."""\nclass B:\n    def c(self): ...', ["atomic_store.bad:2 B",
        "atomic_store.bad:3 c"]),
    (undocumented, "def _private(): ...", ["atomic_store.bad itself"]),
    (silent_tests, 'def test_a():\n    """no sentence"""\ndef test_b(): ...',
        ["atomic_store.bad:1 test_a", "atomic_store.bad:3 test_b"]),
    (left_over, "x = 1  # TO" + "DO: two\nprint(x)",
        ["atomic_store.bad:1 # TO" + "DO: two", "atomic_store.bad:2 calls print"]),
    (more_than_handed_on, '"""A."""\nfrom .b import c, d\n__all__ = ["c", "e"]\nx = 1',
        ["line 4: x = 1", "d: imported or in __all__, not both",
         "e: imported or in __all__, not both"]),
]  # fmt: skip


@pytest.mark.parametrize(("check", "source", "expected"), BAD_MODULES)
def test_a_bad_module_is_found(
    check: Callable[[Module], list[str]], source: str, expected: list[str]
) -> None:
    """Each check of a module names what it was made for, with its line."""
    assert expected == check(imagined("atomic_store.bad", source))


def test_strange_words_are_found() -> None:
    """Somebody's folder, a package server, a ticket and a session are found, code is not."""
    text = "# 1\nin /wo" + "rk/x\nfrom py" + "pi.org\nsee #12, not `#13`, a.md#14\na session\n"

    found = list(strange_words(ROOT / "README.md", text))

    assert [(2, "/wo" + "rk/x"), (3, "py" + "pi.org"), (4, "#12"), (5, "session")] == found


def test_ragged_lines_are_found() -> None:
    """Blanks at a line's end, a tab and a missing newline are each named."""
    assert [
        "does not end with one newline",
        "line 1 ends with blanks",
        "line 2 has a tab",
    ] == list(ragged("a \nb\tc"))


def test_a_misshapen_changelog_is_found() -> None:
    """A changelog with an odd version, an odd order and an odd kind of change is refused."""
    text = "# Changelog\n## [0.1.0] - 2026-01-01\n## [0.2.0] - 2026-02-01\n## soon\n### News\n"

    assert [
        "does not begin with what is unreleased",
        "'soon' is no version",
        "the versions are not in order, the newest first",
        "'News' is no kind of change",
    ] == misshapen(text)
