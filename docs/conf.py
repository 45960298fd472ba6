"""How the pages are built: `nox -s docs`. Nothing here needs a network."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.ext.napoleon import Config, GoogleDocstring

import atomic_store
import atomic_store.gateway
import atomic_store.journal
import atomic_store.safekeeping
import atomic_store.testing

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

_project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]

project = "atomic_store"
author = _project["authors"][0]["name"]
project_copyright = author
release = version = _project["version"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
# In docstrings, `single backticks` are code, as they are in Markdown.
default_role = "code"
nitpicky = True
# Other people's names are shown, not linked: a link needs their inventory, from the network.
nitpick_ignore_regex = [
    (
        r"py:.*",
        r"(abc|attrs|collections|contextlib|datetime|os|outcome|pathlib|ssl|trio|types|typing|uuid)\..*",
    ),
    (
        r"py:.*",
        r"AbstractAsyncContextManager|Callable|Awaitable|Iterable|Mapping|Sequence|UUID",
    ),
    # A validator, or none.
    (r"py:.*", r"Validate"),
    # What the operating system is to the library; only tests put another in its place.
    (r"py:.*", r"(.*\.)?Disk"),
    # Type variables.
    (r"py:.*", r"(.*\.)?(E|E_co|S|T)"),
]
# `type` is Python's, and also the name of a field.
suppress_warnings = ["ref.python"]

html_theme = "furo"
html_title = f"atomic_store {release}"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
python_maximum_signature_line_length = 88

# The prompt is not part of the command.
copybutton_prompt_text = "$ "


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", read_google_docstring)
    app.connect("missing-reference", find_public_name)


def read_google_docstring(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Read attributes' docstrings as all others: a colon in them does not end a type."""
    what = "method" if what in {"attribute", "data", "property"} else what
    lines[:] = GoogleDocstring(lines, Config(), app, what, name, obj, options).lines()


def find_public_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: Element
) -> Element | None:
    """Link `atomic_store.result.Result`, where it is defined, to `atomic_store.Result`."""
    name = node["reftarget"].rpartition(".")[2]
    if node.get("refdomain") != "py":
        return None
    for module in (
        atomic_store,
        atomic_store.gateway,
        atomic_store.journal,
        atomic_store.safekeeping,
        atomic_store.testing,
    ):
        if name in module.__all__:
            target = f"{module.__name__}.{name}"
            python = env.get_domain("py")
            return python.resolve_xref(
                env, node["refdoc"], app.builder, "obj", target, node, content
            )
    return None
