"""
Random filters and records, and a second opinion on which records a filter means.

The second opinion reads the record's line with the standard library, walks trees of plain
tuples, and knows nothing of how the library does it.
"""

from __future__ import annotations

import json
import operator
import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

from hypothesis import strategies as st

from atomic_store import jsonvalue
from atomic_store.journal.line import record_body
from atomic_store.journal.record import StoredRecord

NOW = datetime(2026, 11, 23, 15, 4, 5, 123456, tzinfo=UTC)

Tree: TypeAlias = tuple[Any, ...]
"""("and" | "or", trees), ("not", tree), ("there", path), (operator, path, value),
("in", path, values) or ("text", text). A path is (root, *steps), any is `...`."""

TEXT = ("scope", "type", "id")
NUMBERS = ("position", "sequence")
DOCUMENTS = ("data", "metadata", "meta")
ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
RESERVED = {"and", "or", "not", "in", "true", "false", "null"}
ADA = "0198c0de-0000-7000-8000-00000000ada0"
BOB = "0198c0de-0000-7000-8000-00000000b0b0"


def record(
    data: object = None,
    *,
    position: int = 7,
    scope: str = "lot-1",
    sequence: int = 3,
    id: str = ADA,  # noqa: A002 - as in a record
    at: str = "2026-11-23T15:04:05.123456Z",
    type: str = "Bid",  # noqa: A002 - as in a record
    metadata: object = ...,
    meta: object = ...,
) -> StoredRecord:
    """A record as the store would write it; without metadata and meta unless they are given."""
    return StoredRecord(
        position, scope, sequence, id, at, type, jsonvalue.encode(data),
        metadata=None if metadata is ... else jsonvalue.encode(metadata),
        meta=None if meta is ... else jsonvalue.encode(meta),
    )  # fmt: skip


# --- random ones: from few words and numbers, so that filters and records meet ----------------

SCOPES = ["lot-1", "lot-2", "lot", "LOT-1", 'a "b\\" é', "1", "a\tb"]
WORDS = ["ada", "Ada", "ADA", "", "a", "ß", "SS", 'say "ada"\n', "é\\", "true", "5", "0", ADA, ":"]
KEYS = ["a", "b", "cents", "a b", "é", 'q"', "$type", "correlation", "causation", "0", ""]
INTS = [0, 1, -1, 5, 50, 500, 10**15, 10**15 + 1, 2**53 + 1, 10**22, 10**30, 10**30 + 1]
FLOATS = [0.0, -0.0, 1.0, 0.5, 5.0, 500.0, 500.5, 1e14, 1e15, 2.0**53, 1e16, 1e22, 1e30, -1.0]
MOMENTS = [NOW - timedelta(hours=h, microseconds=m) for h in (0, 1, 15, 16, 48) for m in (0, 1)]
DAYS = [date(2026, 11, 22), date(2026, 11, 23), date(2027, 1, 1)]

words = st.sampled_from(WORDS) | st.text(max_size=3)
keys = st.sampled_from(KEYS)
numbers = st.sampled_from([*INTS, *FLOATS]) | st.integers() | st.floats(allow_nan=False).filter(
    lambda number: number - number == 0
)  # fmt: skip
scalars = words | numbers | st.sampled_from([None, True, False])
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)
events = st.dictionaries(keys, documents, max_size=4) | documents
records = st.builds(
    record,
    events,
    position=st.integers(1, 6) | st.sampled_from([50, 500, 501]),
    scope=st.sampled_from(SCOPES),
    sequence=st.integers(1, 6),
    id=st.sampled_from([ADA, BOB]),
    at=st.sampled_from([f"{m.replace(tzinfo=None).isoformat('T', 'microseconds')}Z"
                        for m in MOMENTS]),
    type=st.sampled_from(["Bid", "Closed", "Bidder", "é"]),
    metadata=st.just(...) | st.dictionaries(keys, scalars, max_size=3),
    meta=st.just(...) | documents,
)  # fmt: skip

whole = st.sampled_from([-1, 0, 1, 2, 3, 5, 50, 500, 10**30])
texts = st.sampled_from([*SCOPES, "Bid", "Closed", "é", "lo", ADA, BOB, ""])
times = st.sampled_from([*MOMENTS, *DAYS])
steps = st.lists(keys | st.integers(0, 2) | st.just(...), max_size=3)
paths = st.builds(lambda root, rest: (root, *rest), st.sampled_from(DOCUMENTS), steps)
EQUAL = st.sampled_from(["=", "!="])
ANY_ORDER = EQUAL | st.sampled_from(sorted(ORDER))
ANY_TEXT = ANY_ORDER | st.sampled_from(["^=", "~"])
fields = st.sampled_from([(name,) for name in (*TEXT, *NUMBERS, "at")])


def listed(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Some values for `in`."""
    return st.lists(values, min_size=1, max_size=4).map(tuple)


text_fields = st.sampled_from([(name,) for name in TEXT])
number_fields = st.sampled_from([(name,) for name in NUMBERS])
positions = whole | st.sampled_from([0.5, 2.0, 2.5, -0.0, 1e30])
terms = st.one_of(
    st.tuples(st.just("text"), words | texts),
    st.tuples(st.just("there"), paths | fields),
    st.tuples(EQUAL, paths, scalars.filter(lambda value: value is not None)),
    st.tuples(st.just("="), paths, scalars),
    st.tuples(ANY_ORDER, paths, numbers),
    st.tuples(ANY_TEXT, paths, words),
    st.tuples(st.just("in"), paths, listed(scalars) | listed(words)),
    st.tuples(ANY_TEXT, text_fields, texts),
    st.tuples(st.just("in"), text_fields, listed(texts)),
    st.tuples(ANY_ORDER, number_fields, positions),
    st.tuples(st.just("in"), number_fields, listed(positions)),
    st.tuples(ANY_ORDER, st.just(("at",)), times),
    st.tuples(st.just("in"), st.just(("at",)), listed(times)),
    st.tuples(
        st.just("="),
        st.sampled_from([("metadata", "correlation"), ("metadata", "causation")]),
        words,
    ),
)
trees: st.SearchStrategy[Tree] = st.recursive(
    terms,
    lambda inner: (
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3))
        | st.tuples(st.just("not"), inner)
    ),
    max_leaves=6,
)


# --- writing ---------------------------------------------------------------------------


def text_of(tree: Tree, chance: random.Random) -> str:
    """Write a tree as somebody might who is not always neat."""
    blank = chance.choice(["", "", " ", "  ", "\n"])
    match tree:
        case ("and", parts):
            joint = chance.choice([" and ", " ", "\tand\n"])
            return joint.join(f"({text_of(part, chance)})" for part in parts)
        case ("or", parts):
            return " or ".join(f"({text_of(part, chance)})" for part in parts)
        case ("not", part):
            return chance.choice(["not ", "!", "! "]) + f"({text_of(part, chance)})"
        case ("there", path):
            return path_text(path)
        case ("text", text):
            return quoted(text, chance)
        case ("in", path, values):
            inner = f"{blank},{blank}".join(value_text(path, value, chance) for value in values)
            return f"{path_text(path)} in{blank}({blank}{inner}{blank})"
        case (comparison, path, value):
            return f"{path_text(path)}{blank}{comparison}{blank}{value_text(path, value, chance)}"
    raise AssertionError(tree)


def path_text(path: tuple[Any, ...]) -> str:
    """Write a path."""
    text: str = path[0]
    for step in path[1:]:
        if step is ...:
            text += ".*"
        elif isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if re.fullmatch(r"[\w$]+", step) else f"[{quoted(step)}]"
    return text


def value_text(path: tuple[Any, ...], value: Any, chance: random.Random) -> str:
    """Write a value: text without quotes where it can be, times in one of some ways."""
    if isinstance(value, datetime):
        zone = timedelta(hours=chance.choice([0, 0, 2, -11]))
        text = (value + zone).replace(tzinfo=None).isoformat()
        sign = "-" if zone < timedelta(0) else "+"
        text += f"{sign}{abs(zone) // timedelta(hours=1):02d}:00" if zone else "Z"
        return chance.choice([text, f'"{text}"'])
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        is_bare = re.fullmatch(r"[A-Za-z_]\w*", value) and value.lower() not in RESERVED
        return value if is_bare and chance.random() < 0.5 else quoted(value, chance)
    return json.dumps(value)


def quoted(text: str, chance: random.Random | None = None) -> str:
    """Write text in quotes, raw or all in escapes."""
    return json.dumps(text, ensure_ascii=chance is not None and chance.random() < 0.5)


# --- the second opinion -------------------------------------------------------------------


def means(tree: Tree, stored: StoredRecord) -> bool:
    """Whether a filter means a record."""
    return holds(tree, json.loads(record_body(stored) + b"}"))


def holds(tree: Tree, line: dict[str, Any]) -> bool:
    """Whether a filter means the record of a line."""
    match tree:
        case ("and", parts):
            return all(holds(part, line) for part in parts)
        case ("or", parts):
            return any(holds(part, line) for part in parts)
        case ("not", part):
            return not holds(part, line)
        case ("text", text):
            return any(
                text in string
                for string in strings_in(
                    [line["scope"], line["type"], line["id"], *(line.get(d) for d in DOCUMENTS)]
                )
            )
        case ("there", path):
            return [*values_at(line, path)] != []
        case ("in", path, values):
            return any(holds(("=", path, value), line) for value in values)
        case (comparison, path, value):
            return any(compared(comparison, item, value) for item in values_at(line, path))
    raise AssertionError(tree)  # fmt: skip


def values_at(value: Any, path: tuple[Any, ...]) -> Iterator[Any]:
    """All values that a path leads to."""
    if not path:
        yield value
    elif isinstance(value, dict):
        for key in value:
            if path[0] is ... or path[0] == key:
                yield from values_at(value[key], path[1:])
    elif isinstance(value, list):
        for index in range(len(value)):
            if path[0] is ... or path[0] == index:
                yield from values_at(value[index], path[1:])


def compared(comparison: str, item: Any, value: Any) -> bool:
    """Whether a record's value compares so with a filter's, if they compare at all."""
    if isinstance(value, date):  # which a datetime is, too
        at = datetime.fromisoformat(item)
        return ordered(comparison, at if isinstance(value, datetime) else at.date(), value)
    return kind(item) == kind(value) and ordered(comparison, item, value)


def ordered(comparison: str, item: Any, value: Any) -> bool:
    """Whether two values of one type compare so."""
    if comparison in ORDER:
        return bool(ORDER[comparison](item, value))
    if comparison == "^=":
        return bool(item[: len(value)] == value)
    if comparison == "~":
        return bool(value.casefold() in item.casefold())
    return bool(item == value) == (comparison == "=")


def kind(value: Any) -> str:
    """What type a value has in JSON."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "bool"
    return "number" if isinstance(value, int | float) else type(value).__name__


def strings_in(value: Any) -> Iterator[str]:
    """All strings in a value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings_in([key, item])
    elif isinstance(value, list):
        for item in value:
            yield from strings_in(item)
