"""
The grammar: text in, terms out.

    filter     = [ either ]
    either     = both { "or" both }
    both       = part { ["and"] part }
    part       = { "not" | "!" } ( "(" either ")" | term )
    term       = string | path [ operator value | "in" "(" value { "," value } ")" ]

It reads from left to right and never goes back. Its functions call one another, but no
deeper than brackets may lie in one another: they are few.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, cast, final, get_args

import attrs

from .cursor import Cursor, cursor_for
from .limits import BRACKETS_MAX, TERMS_MAX
from .terms import (
    DOCUMENTS,
    EVERYTHING,
    NUMBER_FIELDS,
    TEXT_FIELDS,
    Anywhere,
    Compare,
    Node,
    OneOf,
    Operator,
    Path,
    Present,
    Root,
    Scalar,
    Step,
    Wild,
    conjunction,
    disjunction,
    negation,
)
from .values import TEXTUAL, take_value
from .writing import NAME

# The longer ones first, so that `<=` is not taken for `<`.
_OPERATORS: Final[tuple[Operator, ...]] = ("!=", "<=", ">=", "^=", "<", ">", "=", "~")
_ROOTS: Final = frozenset({*TEXT_FIELDS, *NUMBER_FIELDS, *DOCUMENTS, "at"})
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}(?![0-9])")
_TERM: Final = (
    "a term: text in quotes, or scope, type, id, at, position, sequence, data…, metadata… or meta…"
)

assert set(_OPERATORS) == set(get_args(Operator))


def node_of(text: str, now: datetime) -> Node:
    """
    Read a filter.

    Raises:
      FilterError: it is none.
    """
    return _Parser(cursor_for(text), now).whole()


@final
@attrs.define(eq=False)
class _Parser:
    """The grammar's rules, a method each; blanks before each of them are skipped."""

    _cursor: Cursor
    _now: datetime
    _open: int = 0
    """How many brackets are open."""
    _terms: int = 0

    def whole(self) -> Node:
        self._cursor.skip_blanks()
        if self._cursor.at_end():
            return EVERYTHING
        node = self._either()
        if not self._cursor.at_end():
            self._cursor.fail("the end: no bracket is open")
        return node

    def _either(self) -> Node:
        parts = [self._both()]
        while self._take_keyword("or"):
            parts.append(self._both())
        return disjunction(parts)

    def _both(self) -> Node:
        part = self._part(_TERM)
        parts = [part]
        while True:
            if self._take_keyword("and"):
                part = self._part(_TERM)
            elif self._cursor.at_end() or self._cursor.sees(")") or self._cursor.word() == "or":
                return conjunction(parts)
            else:
                part = self._part(self._continuation(part))
            parts.append(part)

    def _continuation(self, part: Node) -> str:
        """What may come behind a part."""
        operator = "an operator, " if isinstance(part, Present) else ""
        return f"{operator}and, or, another term, or {')' if self._open else 'the end'}"

    def _part(self, expected: str) -> Node:
        is_negated = False
        self._cursor.skip_blanks()
        while self._cursor.take_literal("!") or self._take_keyword("not"):
            is_negated = not is_negated
            expected = _TERM
            self._cursor.skip_blanks()
        node = self._in_brackets() if self._cursor.sees("(") else self._term(expected)
        self._cursor.skip_blanks()
        return negation(node) if is_negated else node

    def _in_brackets(self) -> Node:
        if self._open == BRACKETS_MAX:
            self._cursor.fail(f"at most {BRACKETS_MAX} brackets in one another", "one more")
        self._cursor.take_literal("(")
        self._open += 1
        node = self._either()
        self._expect(")")
        self._open -= 1
        return node

    def _term(self, expected: str) -> Node:
        self._count()
        if self._cursor.sees('"'):
            return Anywhere(self._cursor.take_string())
        if self._cursor.word() not in _ROOTS:
            self._cursor.fail(expected)
        path = self._path()
        self._cursor.skip_blanks()
        if self._take_keyword("in"):
            return OneOf(path, self._values(path))
        operator = self._operator(path)
        if operator is None:
            return Present(path)
        return Compare(path, operator, self._value(path, operator))

    def _path(self) -> Path:
        root = cast("Root", self._cursor.take(NAME))
        steps: list[Step] = []
        # Other fields hold no more than themselves: what follows them is no step.
        while root in DOCUMENTS and (self._cursor.sees(".") or self._cursor.sees("[")):
            steps.append(self._step())
        return Path(root, tuple(steps))

    def _step(self) -> Step:
        if self._cursor.take_literal("."):
            if self._cursor.take_literal("*"):
                return Wild.ANY
            name = self._cursor.take(NAME)
            if name is None:
                self._cursor.fail('a name or * (other keys are written as ["a key"])')
            return name
        self._cursor.take_literal("[")
        if self._cursor.sees('"'):
            step: Step = self._cursor.take_string()
        else:
            index = self._cursor.take(_INDEX)
            if index is None:
                self._cursor.fail("an index, such as 0, or a key in quotes (any is written as .*)")
            step = int(index)
        self._expect("]")
        return step

    def _operator(self, path: Path) -> Operator | None:
        for operator in _OPERATORS:
            if self._cursor.sees(operator):
                if operator in TEXTUAL and (path.root in NUMBER_FIELDS or path.root == "at"):
                    self._cursor.fail(f"one of = != < <= > >= in behind {path.root}", operator)
                self._cursor.take_literal(operator)
                return operator
        return None

    def _values(self, path: Path) -> tuple[Scalar, ...]:
        self._cursor.skip_blanks()
        self._expect("(")
        values = [self._value(path, "=")]
        self._cursor.skip_blanks()
        while self._cursor.take_literal(","):
            self._cursor.skip_blanks()
            self._count()
            values.append(self._value(path, "="))
            self._cursor.skip_blanks()
        self._expect(")", ", or )")
        return tuple(values)

    def _value(self, path: Path, operator: Operator) -> Scalar:
        self._cursor.skip_blanks()
        return take_value(self._cursor, path, operator, self._now)

    def _count(self) -> None:
        if self._terms == TERMS_MAX:
            self._cursor.fail(f"at most {TERMS_MAX} terms and values of lists", "one more")
        self._terms += 1

    def _take_keyword(self, keyword: str) -> bool:
        # A whole word, so that `order` is not taken for `or`.
        return self._cursor.word() == keyword and self._cursor.take_literal(keyword)

    def _expect(self, literal: str, expected: str | None = None) -> None:
        if not self._cursor.take_literal(literal):
            self._cursor.fail(expected or literal)
