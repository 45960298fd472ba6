"""
What a JSON text says, in a line: ``bidder=ada cents=500 tags=[new "two words"]``.

Only the beginning is read, token by token: neither length nor depth costs anything.
"""

from __future__ import annotations

import json
import re
from typing import Final

from .texts import visible

_BYTES_A_CELL: Final = 8
"""How much is read for each cell, at most: an escape of six bytes may be one character."""

# Possessive, so that nothing is ever tried twice. A string may be cut through.
_TOKEN: Final = re.compile(
    r'\s*+("(?:[^"\\]++|\\.)*+(?:"|\\?$)|[][{}:,]|[^][{}:,"\s]++)', re.DOTALL
)
_WHOLE_ESCAPES: Final = re.compile(r'"((?:[^"\\]++|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+)', re.DOTALL)
_PLAIN: Final = re.compile(r"""[^\s"'=,:\[\]{}]+""")
_LITERAL: Final = re.compile(r"-?[0-9.eE+-]+|true|false|null")


def summary(data: bytes, cells_max: int) -> str:
    """
    Say what a JSON text holds, in one line of so many cells that is safe to show.

    Members are written as ``key=value``; the braces around them all are left out, and so are
    quotes where nobody misses them. What is not JSON is shown as it is.
    """
    if cells_max <= 0:
        return ""
    length = (cells_max + 8) * _BYTES_A_CELL
    text = data[:length].decode("utf-8", "replace")
    is_all = len(data) <= length
    if not is_all:
        text = text.rstrip("\ufffd")
    said = _said(text, is_all=is_all)
    if said is None:
        return visible(data, cells_max)
    # What was not read may be all that is left: the end must show that there is more.
    return visible(said if is_all else f"{said} …", cells_max)


def _said(text: str, *, is_all: bool) -> str | None:
    """Rewrite the tokens of a text; None if it does not look like JSON."""
    parts: list[str] = []
    offset = depth = 0
    end = len(text.rstrip())
    while offset < end:
        match = _TOKEN.match(text, offset)
        if match is None:
            return None
        offset = match.end()
        token = match[1]
        match token:
            case "{" | "[":
                depth += 1
                parts.append(token if depth > 1 or token == "[" else "")
            case "}" | "]":
                depth -= 1
                parts.append(token if depth > 0 or token == "]" else "")
            case ":":
                parts.append("=")
            case ",":
                parts.append(" ")
            case _:
                word = _word(token, is_whole=is_all or offset < len(text))
                if word is None:
                    return None
                parts.append(word)
    return "".join(parts)


def _word(token: str, *, is_whole: bool) -> str | None:
    """A string without quotes if it can do without, or a number or constant as it is."""
    if not token.startswith('"'):
        return token if _LITERAL.fullmatch(token) or not is_whole else None
    if not is_whole and (match := _WHOLE_ESCAPES.match(token)):
        # Cut through, perhaps within an escape: what comes before it is shown.
        token = f'"{match[1]}"'
    try:
        inner: str = json.loads(token, strict=False)
    except ValueError:
        return None
    # "5" is not 5: a text that looks like something else keeps its quotes.
    if _PLAIN.fullmatch(inner) and not _LITERAL.fullmatch(inner):
        return inner
    return f'"{inner}"'
