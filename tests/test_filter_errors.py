"""Texts that are no filter: each is refused where it goes wrong, at once, by one error."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from atomic_store import AtomicStoreError, Filter, FilterError, parse_filter
from atomic_store.filter import BRACKETS_MAX, TERMS_MAX, TEXT_BYTES_MAX
from filters import NOW, record

TERM = "a term: text in quotes"
VALUE = "a value: a number, true, false, null, or text"
TIME = "a time: 2026-11-23"
MORE = "and, or, another term, or the end"
BARE = "in quotes, if the word itself is meant"

MALFORMED = [
    # terms
    ("foo = 1", 0, TERM, "'foo'"),
    ("=", 0, TERM, "'='"),
    ("Type = Bid", 0, TERM, "'Type'"),
    ("and", 0, TERM, "'and'"),
    ("in (1)", 0, TERM, "'in'"),
    ("type = Bid and", 14, TERM, "the end"),
    ("type = Bid and and type = x", 15, TERM, "'and'"),
    ("type = Bid or ", 14, TERM, "the end"),
    ("or type = Bid", 0, TERM, "'or'"),
    ("not", 3, TERM, "the end"),
    ("data.a !", 8, TERM, "the end"),
    ("data.a AND data.b", 7, f"an operator, {MORE}", "'AND'"),
    ("type = Bid AND data.b", 11, MORE, "'AND'"),
    ("type = Bid ; data.b", 11, MORE, "';'"),
    ("type = scope = x", 13, MORE, "'='"),
    ("data.a == 5", 8, VALUE, "'='"),
    ("data.a => 5", 8, VALUE, "'>'"),
    ("data.a ? 5", 7, f"an operator, {MORE}", "'?'"),
    ("data.a 5", 7, f"an operator, {MORE}", "'5'"),
    ("\N{NO-BREAK SPACE}data.a", 0, TERM, r"'\xa0'"),
    ("data.a\x00", 6, "an operator", r"'\x00'"),
    ("scope.a", 5, f"an operator, {MORE}", "'.'"),
    ("at[0]", 2, f"an operator, {MORE}", "'['"),
    # brackets
    ("(", 1, TERM, "the end"),
    ("()", 1, TERM, "')'"),
    (")", 0, TERM, "')'"),
    ("(data.a", 7, ")", "the end"),
    ("(data.a ?", 8, "an operator, and, or, another term, or )", "'?'"),
    ("data.a)", 6, "the end: no bracket is open", "')'"),
    ("(data.a))", 8, "the end: no bracket is open", "')'"),
    # paths
    ("data.", 5, "a name or *", "the end"),
    ("data. a", 5, "a name or *", "' '"),
    ("data..a", 5, "a name or *", "'.'"),
    ("data .a", 5, "an operator", "'.'"),
    ("data[", 5, "an index, such as 0, or a key in quotes", "the end"),
    ("data[]", 5, "an index", "']'"),
    ("data[a]", 5, "an index", "'a'"),
    ("data[*]", 5, "an index", "'*'"),
    ("data[-1]", 5, "an index", "'-1'"),
    ("data[01]", 6, "]", "'1'"),
    ("data[1234567890]", 5, "an index", "'1234567890'"),
    ("data[0", 6, "]", "the end"),
    ('data["a"', 8, "]", "the end"),
    ('data["a', 7, "a quote", "the end"),
    # strings
    ('"abc', 4, "a quote", "the end"),
    ('"', 1, "a quote", "the end"),
    ('"a\nb"', 2, "a quote", r"'\n'"),
    ('"a\\qb"', 2, "an escape", r"'\\'"),
    ('"\\u12"', 1, "an escape", r"'\\'"),
    ('"\\', 1, "an escape", r"'\\'"),
    ('data.a = "\\ud800"', 9, "valid Unicode", "text with a lone surrogate"),
    ('"\\ude00\\ud83d"', 0, "valid Unicode", "text with a lone surrogate"),
    ('data.a = "\ud800"', 10, "valid Unicode", "a lone surrogate"),
    # values
    ("data.a =", 8, VALUE, "the end"),
    ("data.a = ", 9, VALUE, "the end"),
    ("data.a = )", 9, VALUE, "')'"),
    ("data.a = 'b'", 9, VALUE, '"\'"'),
    ("data.a = and", 9, BARE, "'and'"),
    ("data.a = not", 9, BARE, "'not'"),
    ("type = or", 7, BARE, "'or'"),
    ("type = in", 7, BARE, "'in'"),
    ("type =", 6, "text", "the end"),
    ("at > in", 5, BARE, "'in'"),
    ("position = and", 11, BARE, "'and'"),
    ("data.a = True", 9, "true, false or null in small letters", "'True'"),
    ("data.a = NULL", 9, "true, false or null in small letters", "'NULL'"),
    ("data.a = 1_000", 9, "a number, or text in quotes", "'1_000'"),
    ("data.a = 01", 9, "a number, or text in quotes", "'01'"),
    ("data.a = +1", 9, "a number, or text in quotes", "'+'"),
    ("data.a = .5", 9, "a number, or text in quotes", "'.'"),
    ("data.a = 5.", 9, "a number, or text in quotes", "'5'"),
    ("data.a = -", 9, "a number, or text in quotes", "'-'"),
    ("data.a = 0x1f", 9, "a number, or text in quotes", "'0x1f'"),
    ("data.a = \N{ARABIC-INDIC DIGIT ONE}", 9, "a number, or text in quotes", "'\u0661'"),
    ("data.a = 2026-11-23", 9, "a number, or text in quotes", "'2026-11-23'"),
    ("data.a = 1e999", 9, "a number that a float can hold", "a larger one"),
    ("data.a = -1e999", 9, "a number that a float can hold", "a larger one"),
    (f"data.a = {'9' * 4001}", 9, "an integer of at most 4000 digits", "a longer one"),
    ("position = x", 11, "a number", "'x'"),
    ('position = "7"', 11, "a number", "'\"'"),
    ("position =", 10, "a number", "the end"),
    ("sequence < true", 11, "a number", "'true'"),
    # comparisons that could never hold
    ("data.a < true", 9, "a number or text", "'true'"),
    ("data.a >= null", 10, "a number or text", "'null'"),
    ("data.a ~ 5", 9, "text in quotes", "'5'"),
    ("data.a ^= true", 10, "text in quotes", "'true'"),
    ("data.a != null", 10, "another value", "'null'"),
    ("position ~ 5", 9, "one of = != < <= > >= in behind position", "~"),
    ("sequence ^= 5", 9, "one of = != < <= > >= in behind sequence", "^="),
    ("at ~ 2026", 3, "one of = != < <= > >= in behind at", "~"),
    # lists
    ("type in", 7, "(", "the end"),
    ("type in Bid", 8, "(", "'Bid'"),
    ("type in ()", 9, "text", "')'"),
    ("type in (Bid", 12, ", or )", "the end"),
    ("type in (Bid Closed)", 13, ", or )", "'Closed'"),
    ("type in (Bid,)", 13, "text", "')'"),
    ("data.a in (1, null, True)", 20, "true, false or null in small letters", "'True'"),
    # times
    ("at > x", 5, TIME, "'x'"),
    ("at >", 4, TIME, "the end"),
    ("at > 5", 5, TIME, "'5'"),
    ("at > 2026", 5, TIME, "'2026'"),
    ("at > 20261123", 5, TIME, "'20261123'"),
    ("at > 2026-W48", 5, TIME, "'2026-W48'"),
    ("at > 2026-02-30", 5, TIME, "'2026-02-30'"),
    ("at > 0000-01-01", 5, TIME, "'0000-01-01'"),
    ("at > 2026-11-23T24:00", 5, TIME, "'2026-11-23T24'"),
    ("at > 2026-11-23T15:60", 5, TIME, "'2026-11-23T15'"),
    ("at > 2026-11-23T15:04:60Z", 5, TIME, "'2026-11-23T15'"),
    ("at > 2026-11-23T15:04:05.1234567Z", 5, TIME, "'2026-11-23T15'"),
    ("at > 2026-11-23T15:04+99:00", 5, TIME, "'2026-11-23T15'"),
    ("at > 0001-01-01T00:00+01:00", 5, TIME, "'0001-01-01T00'"),
    ("at > 9999-12-31T23:59-01:00", 5, TIME, "'9999-12-31T23'"),
    ('at > "2026-11-23 15:04"', 5, TIME, "'\"'"),
    ("at > -2", 5, TIME, "'-2'"),
    ("at > -2y", 5, TIME, "'-2y'"),
    ("at > 2h", 5, TIME, "'2h'"),
    ("at > -1.5h", 5, TIME, "'-1'"),
    ("at > -999999999w", 5, TIME, "'-999999999w'"),
    ("at > -109999w", 5, TIME, "'-109999w'"),
    ("at > -1111111111s", 5, TIME, "'-1111111111s'"),
    # sizes
    ("(" * 33 + "data.a" + ")" * 33, 32, "at most 32 brackets in one another", "one more"),
    ("data.a " * 65, 64 * 7, "at most 64 terms", "one more"),
    ('"" ' * 65, 64 * 3, "at most 64 terms", "one more"),
    (f"type in ({','.join(['a'] * 65)})", 9 + 128, "at most 64 terms", "one more"),
    ("data.a " * 60 + "type in (a,b,c,d,e)", 60 * 7 + 17, "at most 64 terms", "one more"),
    ('"' + "a" * 4095, 4096, "a quote", "the end"),
    ('"' + "a" * 4095 + '"', 4096, "at most 4096 bytes", "more"),
    ('"' + "é" * 2048 + '"', 2048, "at most 4096 bytes", "more"),
    (" " * 5000, 4096, "at most 4096 bytes", "more"),
    ("!" * 4096, 4096, TERM, "the end"),
    ("data" + ".a" * 2045 + "=b", 4096, "at most 4096 bytes when written in full", "more"),
]

AT_THE_LIMIT = [
    "(" * BRACKETS_MAX + "data.a" + ")" * BRACKETS_MAX,
    "data.a " * TERMS_MAX,
    "data.a " * 60 + "type in (a,b,c,d)",
    '"' + "a" * (TEXT_BYTES_MAX - 2) + '"',
    '"' + "é" * (TEXT_BYTES_MAX // 2 - 1) + '"',
    '"' + "\\n" * (TEXT_BYTES_MAX // 2 - 1) + '"',
    " " * TEXT_BYTES_MAX,
    "!" * (TEXT_BYTES_MAX - 6) + "data.a",
    "data" + ".a" * ((TEXT_BYTES_MAX - 4) // 2),
    "data" + ".*" * ((TEXT_BYTES_MAX - 4) // 2),
    "data" + "[0]" * ((TEXT_BYTES_MAX - 4) // 3),
    "data[999999999]",
    f"data.a = -{'9' * 4000}",
    f"data.a = 0.{'9' * 4000}",
    f"position < {'9' * 4000}",
    "data.a = " + "b" * (TEXT_BYTES_MAX - 20),
    "at > -9999w",
    "at in (" + ",".join(["-2h"] * TERMS_MAX) + ")",
    " or ".join(f'(type = x and not(scope ^= "{n}" or data.* ~ b))' for n in range(21)),
]
TOO_DEEP = ["(" * TEXT_BYTES_MAX, "!(" * (TEXT_BYTES_MAX // 2), "(data.a or " * 300]


def short(value: object) -> str:
    """Name a parameter: some of them are too long to print."""
    return ascii(value)[:30]


def error_of(text: str) -> FilterError:
    """The error of a text that is no filter."""
    with pytest.raises(FilterError) as raised:
        parse_filter(text, now=NOW)
    return raised.value


@pytest.mark.parametrize(("text", "offset", "expected", "found"), MALFORMED, ids=short)
def test_a_malformed_text_is_refused(text: str, offset: int, expected: str, found: str) -> None:
    """The error says at which character, what should stand there, and what stands there."""
    error = error_of(text)

    assert (offset, found) == (error.offset, error.found)
    assert expected in error.expected
    assert f"at offset {offset}: expected {error.expected}, found {found}\n" in str(error)


@pytest.mark.parametrize("text", AT_THE_LIMIT, ids=short)
def test_what_is_as_large_as_can_be_is_read(text: str) -> None:
    """A filter that reaches a limit and does not pass it is one, and can be written again."""
    filter_ = parse_filter(text, now=NOW)

    assert filter_ == parse_filter(filter_.text, now=NOW)


def test_errors_are_the_callers() -> None:
    """A text that is no filter is a wrong value, and an error of this library."""
    assert isinstance(error_of("="), ValueError)
    assert isinstance(error_of("="), AtomicStoreError)


def test_an_error_can_be_copied() -> None:
    """A copy, also one from another process, says the same."""
    error = error_of("data.a = ")

    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert str(error) == str(other)
        assert (error.text, error.offset) == (other.text, other.offset)


def test_the_message_points_at_the_fault() -> None:
    """The text stands below the message, with a caret under the character."""
    assert str(error_of("type = Bid and (data.cents > )")) == (
        "at offset 29: expected a value: a number, true, false, null, or text, found ')'\n"
        "  type = Bid and (data.cents > )\n"
        "                               ^"
    )


def test_a_long_text_is_cut_around_the_fault() -> None:
    """Of a long text, the message shows what is around the fault."""
    lines = str(error_of("data.abc " * 30 + "? " + "x" * 300)).splitlines()

    assert "  …" + ("data.abc " * 30)[-50:] + "? " + "x" * 24 == lines[1]
    assert "  " + " " * 51 + "^" == lines[2]


def test_a_message_cannot_command_a_terminal() -> None:
    """Characters that are not printable are replaced, and the caret still points right."""
    lines = str(error_of("data.a\n\x1b[31m = \u202e")).splitlines()

    assert "  data.a\ufffd\ufffd[31m = \ufffd" == lines[1]
    assert "         ^" == lines[2]
    assert lines[0].endswith(r"found '\x1b'")


def test_a_process_may_lower_the_limit_of_integers(monkeypatch: pytest.MonkeyPatch) -> None:
    """An integer that this process refuses to read is refused as any other fault of the text."""
    usual = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        error = error_of(f"data.a = {'9' * 641}")
        parse_filter(f"data.a = {'9' * 640}", now=NOW)
    finally:
        sys.set_int_max_str_digits(usual)

    assert (9, "an integer that this process can read") == (error.offset, error.expected)


SYNTAX = st.sampled_from(
    ["and", "or", "not", "in", "!", "(", ")", "[", "]", ".", "*", ",", '"', "\\", "\\u", "d8", "=",
     "!=", "<", "<=", ">=", "^=", "~", "-", "-2h", "1", "0", "1e9", "true", "null", "a", "é",
     "scope", "type", "at", "position", "data", "data.a", "metadata", '"a"', "2026-11-23", " ",
     "\n", "\x00", "\ud800", "\U0001f600"]
)  # fmt: skip


@settings(max_examples=1000)
@given(st.text() | st.lists(SYNTAX, max_size=12).map("".join)
       | st.lists(SYNTAX, max_size=12).map(" ".join))  # fmt: skip
@example('"\\ud83d\\ude00"')
@example("data.a = 1e-999")
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    """Whatever the text, it is a filter that can be written and used, or raises FilterError."""
    filter_, error = outcome_of(text)

    if filter_ is not None:
        filter_.matches(record({"a": [1, "a"]}))
        assert filter_ == parse_filter(filter_.text, now=NOW)
    if error is not None:
        assert 0 <= error.offset <= len(text)
        assert error.expected
        assert error.found
        assert str(error)


def outcome_of(text: str) -> tuple[Filter | None, FilterError | None]:
    """What becomes of a text."""
    try:
        return parse_filter(text, now=NOW), None
    except FilterError as error:
        return None, error


class Effort:
    """How many functions of Python are called, and how deep in one another."""

    def __init__(self) -> None:
        self.calls = self.depth = self.depth_max = 0

    def __call__(self, frame: object, event: str, argument: object) -> None:
        """A profile function."""
        step = {"call": 1, "return": -1}.get(event, 0)
        self.calls += step > 0
        self.depth += step
        self.depth_max = max(self.depth_max, self.depth)


@contextmanager
def measured() -> Iterator[Effort]:
    """Measure the effort of a block."""
    effort = Effort()
    usual = sys.getprofile()
    sys.setprofile(effort)
    try:
        yield effort
    finally:
        sys.setprofile(usual)


@pytest.mark.parametrize("text", [*AT_THE_LIMIT, *TOO_DEEP], ids=short)
def test_no_text_takes_long(text: str) -> None:
    """The largest texts take a few steps for each character, and none is nested deep."""
    with measured() as parsing:
        filter_, _ = outcome_of(text)
    assert parsing.calls < 10 * TEXT_BYTES_MAX
    assert parsing.depth_max < 8 * BRACKETS_MAX

    assert (filter_ is None) == (text in TOO_DEEP)
    if filter_ is not None:
        with measured() as matching:
            filter_.matches(record({"a": [[{"a": n} for n in range(100)]] * 10}))
        assert matching.calls < 2000 * TERMS_MAX
