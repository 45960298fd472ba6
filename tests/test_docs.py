"""The pages are true: their programs run and print what they say, their links lead somewhere."""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

import pytest
import trio

from markdown_pages import ROOT, Block, anchors_of, blocks_of, links_of, pages

LANGUAGES = {"python", "console", "text", "json", "jsonl", "toml", "javascript", "html"}
"""Other names are refused: a program in ```py would escape the tests below."""

PAGES = pages()
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def run_page(blocks: Sequence[Block], module: types.ModuleType) -> list[str]:
    """
    Run a page's Python blocks in one namespace.

    Returns:
      Where something else was printed than the page says.
    """
    complaints = []
    printed: str | None = None
    for block in blocks:
        if block.comment == "output":
            assert printed is not None, f"{block}: an output, but no program before it"
            if block.source.rstrip() != printed.rstrip():
                complaints.append(f"{block}: expected {block.source!r}, printed {printed!r}")
        printed = None
        if block.language == "python" and not block.comment.startswith("no-run:"):
            printed = run_block(block, module)
    return complaints


def run_block(block: Block, module: types.ModuleType) -> str:
    """Run one block, under Trio if it awaits at top level, and return what it printed."""
    # Tracebacks name the page, and with the empty lines before it the right line in it.
    source = "\n" * (block.line - 1) + block.source
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(source, str(block.page), "exec", flags=flags, dont_inherit=True)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        if code.co_flags & inspect.CO_COROUTINE:
            trio.run(types.FunctionType(code, module.__dict__))
        else:
            exec(code, module.__dict__)
    return printed.getvalue()


def module_for(page: Path, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """Make a module for a page's names: annotations are looked up in `sys.modules`."""
    module = types.ModuleType("page_" + page.stem.replace("-", "_"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def blocks_in(text: str) -> list[Block]:
    """The blocks of a page that does not exist."""
    return blocks_of(ROOT / "docs" / "imagined.md", text)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_programs_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each Python block runs in an empty directory and prints what the page says it prints."""
    monkeypatch.chdir(tmp_path)

    complaints = run_page(blocks_of(page), module_for(page, monkeypatch))

    assert [] == complaints


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_languages_are_known(page: Path) -> None:
    """Each block names a language of the list, or is a directive of the documentation."""
    strange = [
        f"{block}: {block.language or 'none'}"
        for block in blocks_of(page)
        if block.language not in LANGUAGES and not block.language.startswith("{")
    ]

    assert [] == strange


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_exemptions_have_a_reason(page: Path) -> None:
    """A block that is not run says why."""
    silent = [
        str(block)
        for block in blocks_of(page)
        if block.comment.startswith("no-run") and not block.comment.removeprefix("no-run:").strip()
    ]

    assert [] == silent


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link names a file that is there, and a heading that is in it."""
    assert [] == broken_links(page)


def broken_links(page: Path, text: str | None = None) -> list[str]:
    """The relative links of a page that lead nowhere."""
    broken = []
    for line, link in links_of(page, text):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = unquote(link.strip("<>")).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            broken.append(f"line {line}: {link}: there is no such file")
        elif anchor and target.suffix == ".md" and anchor not in anchors_of(target):
            broken.append(f"line {line}: {link}: there is no such heading")
    return broken


def test_readme_begins_with_its_two_commands() -> None:
    """The first shell block runs the demo, the second one the tests; both are commands only."""
    first, second = [b for b in blocks_of(ROOT / "README.md") if b.language == "console"][:2]

    assert "atomic-store demo" in first.source
    assert "pytest" in second.source
    assert all(line.startswith("$ ") for block in (first, second) for line in lines_of(block))


def lines_of(block: Block) -> list[str]:
    """A block's lines."""
    return block.source.splitlines()


def test_blocks_share_names_and_may_await(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later block sees an earlier one's names, and a block with `await` runs under Trio."""
    text = """
```python
async def seven():
    return 7
```
```python
import trio

await trio.lowlevel.checkpoint()
print(await seven())
```
<!-- output -->
```text
7
```
"""
    blocks = blocks_in(text)

    assert [] == run_page(blocks, module_for(Path("a.md"), monkeypatch))
    assert "7\n" == blocks[-1].source


def test_other_output_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that prints something else than its page says is named with its line."""
    text = '```python\nprint("one")\n```\n\n<!-- output -->\n\n```text\ntwo\n```\n'

    complaints = run_page(blocks_in(text), module_for(Path("a.md"), monkeypatch))

    assert ["docs/imagined.md:8: expected 'two\\n', printed 'one\\n'"] == complaints


def test_a_failing_program_names_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception in a block comes out of it with the line that it has in the page."""
    blocks = blocks_in("Words.\n\n```python\nx = 1\nx / 0\n```\n")

    with pytest.raises(ZeroDivisionError) as raised:
        run_page(blocks, module_for(Path("a.md"), monkeypatch))

    assert 5 == raised.traceback[-1].lineno + 1


def test_an_exempt_block_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block after a `no-run` comment is left alone, the next one is not."""
    text = '<!-- no-run: needs a server -->\n```python\n1 / 0\n```\n```python\nprint("ran")\n```\n'
    text += "<!-- output -->\n```text\nran\n```\n"

    assert [] == run_page(blocks_in(text), module_for(Path("a.md"), monkeypatch))


def test_a_block_that_never_ends_is_found() -> None:
    """A fence without its end is an error, not a block that swallows the rest of the page."""
    with pytest.raises(ValueError, match=r"imagined\.md:1"):
        blocks_in("```python\nx = 1\n")


def test_broken_links_are_found() -> None:
    """A link to a missing file or heading is named; code and other sites are left alone."""
    text = (
        "[a](nowhere.md) [b](index.md#nowhere) [c](index.md#atomic_store) `[d](no.md)`\n"
        "[e](https://example.org/x)\n\n[f]: gone.md\n```text\n[g](no.md)\n```\n"
    )

    broken = broken_links(ROOT / "docs" / "imagined.md", text)

    assert [
        "line 1: nowhere.md: there is no such file",
        "line 1: index.md#nowhere: there is no such heading",
        "line 4: gone.md: there is no such file",
    ] == broken
