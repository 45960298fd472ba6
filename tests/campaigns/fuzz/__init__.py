"""
Whatever bytes come in from outside, and what must hold of them; one target a file.

A target is a function `fuzz(data)` that takes any bytes, and raises if a property does not
hold. `python -m tests.campaigns.fuzz` feeds it with what atheris makes up, guided by which
code it reaches; the normal tests feed it with what is kept in tests/corpus, and with
Hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

CORPUS: Final = Path(__file__).resolve().parent.parent.parent / "corpus"
"""Per target a folder of inputs: each reaches code that no other one does."""

TARGETS: Final = ("scanner", "filter", "session", "conversation", "arguments", "token_file", "bids")


def target(name: str) -> Callable[[bytes], None]:
    """The function of a target."""
    fuzz: Callable[[bytes], None] = import_module(f".{name}_target", __package__).fuzz
    return fuzz


def corpus(name: str) -> Path:
    """Where a target's inputs are kept."""
    return CORPUS / f"fuzz_{name}"
