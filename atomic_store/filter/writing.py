"""Filters as text: what is written parses to the same filter again."""

from __future__ import annotations

import re
from typing import assert_never

from .. import jsonvalue
from .terms import And, Anywhere, Compare, Node, Not, OneOf, Or, Path, Present, Scalar, Step, Wild
from .times import Period

NAME = re.compile(r"[\w$-]+")
"""What can stand in a path, or for a keyword, without quotes."""


def written(node: Node) -> str:
    """Write a filter; as few brackets as can be."""
    match node:
        case And(parts):
            return " and ".join(_in_brackets_if(isinstance(part, Or), part) for part in parts)
        case Or(parts):
            return " or ".join(written(part) for part in parts)
        case Not(part):
            return "not " + _in_brackets_if(isinstance(part, And | Or), part)
        case Present(path):
            return _path(path)
        case Compare(path, operator, value):
            return f"{_path(path)} {operator} {_scalar(value)}"
        case OneOf(path, values):
            return f"{_path(path)} in ({', '.join(map(_scalar, values))})"
        case Anywhere(text):
            return _scalar(text)
    assert_never(node)


def _in_brackets_if(wanted: bool, node: Node) -> str:
    return f"({written(node)})" if wanted else written(node)


def _path(path: Path) -> str:
    return path.root + "".join(map(_step, path.steps))


def _step(step: Step) -> str:
    if isinstance(step, Wild):
        return ".*"
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if NAME.fullmatch(step) else f"[{_scalar(step)}]"


def _scalar(value: Scalar) -> str:
    if isinstance(value, float):
        return repr(value)
    return jsonvalue.encode(str(value) if isinstance(value, Period) else value).decode()
