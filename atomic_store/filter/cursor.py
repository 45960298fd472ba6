"""A place in a filter's text: what stands there, and how to complain about it."""

from __future__ import annotations

import json
import re
from typing import NoReturn, final

import attrs

from ..errors import FilterError, shown
from .limits import TEXT_BYTES_MAX
from .writing import NAME

_BLANKS = re.compile(r"[ \t\r\n]*")
_THING = re.compile(rf"{NAME.pattern}|.", re.DOTALL)
# Possessive, so that nothing is ever tried twice.
_STRING_BODY = re.compile(r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')


@final
@attrs.define(eq=False)
class Cursor:
    """A text, and how far it has been read."""

    text: str
    offset: int = 0

    def skip_blanks(self) -> None:
        """Go on to the next character that is no blank, or to the end."""
        match = _BLANKS.match(self.text, self.offset)
        assert match is not None
        self.offset = match.end()

    def at_end(self) -> bool:
        """Whether all was read."""
        return self.offset == len(self.text)

    def sees(self, literal: str) -> bool:
        """Whether this is what comes next."""
        return self.text.startswith(literal, self.offset)

    def word(self) -> str:
        """The word that comes next; empty if what comes next is none."""
        match = NAME.match(self.text, self.offset)
        return match[0] if match else ""

    def take(self, pattern: re.Pattern[str]) -> str | None:
        """Read what fits a pattern; None, and nothing is read, if nothing does."""
        match = pattern.match(self.text, self.offset)
        if match is None:
            return None
        self.offset = match.end()
        return match[0]

    def take_literal(self, literal: str) -> bool:
        """Read this, if it is what comes next."""
        if not self.sees(literal):
            return False
        self.offset += len(literal)
        return True

    def take_string(self) -> str:
        """Read text in quotes, as JSON writes it; the quote comes next."""
        start = self.offset
        body = self.take(_STRING_BODY)
        assert body is not None
        if not self.take_literal('"'):
            if self.sees("\\"):
                self.fail('an escape of JSON: \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0041')
            self.fail('a quote (") at the end of the text')
        text: str = json.loads(body + '"')
        if any("\ud800" <= c <= "\udfff" for c in text):
            self.fail("valid Unicode", "text with a lone surrogate", start)
        return text

    def fail(self, expected: str, found: str | None = None, offset: int | None = None) -> NoReturn:
        """Raise the error that says what should stand here, or at an earlier place."""
        offset = self.offset if offset is None else offset
        raise FilterError(self.text, offset, expected, found or _found(self.text, offset))


def cursor_for(text: str) -> Cursor:
    """
    Begin to read a text, if it is one.

    Raises:
      FilterError: it is too long, or no valid Unicode.
    """
    # No more is looked at than may be there, however long the text is.
    head = text[: TEXT_BYTES_MAX + 1]
    try:
        data = head.encode()
    except UnicodeEncodeError as error:
        raise FilterError(head, error.start, "valid Unicode", "a lone surrogate") from None
    if len(data) > TEXT_BYTES_MAX:
        fitting = len(data[:TEXT_BYTES_MAX].decode(errors="ignore"))
        raise FilterError(head, fitting, f"at most {TEXT_BYTES_MAX} bytes of text", "more")
    return Cursor(text)


def _found(text: str, offset: int) -> str:
    match = _THING.match(text, offset)
    return shown(match[0], 40) if match else "the end"
