"""Finding the lines that may be meant: all that hold what they must, whole, in order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atomic_store.journal import line_search
from atomic_store.journal.line_search import candidates

words = st.text("abc", min_size=1, max_size=6).map(str.encode)


@settings(max_examples=300)
@given(
    st.lists(st.text("abc ", max_size=12).map(str.encode), max_size=12),
    st.lists(st.lists(words, min_size=1, max_size=4), max_size=3),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0, 5, 1000]),
    st.sampled_from([1, 2, 99]),
)
def test_the_lines_that_hold_it(
    lines: list[bytes],
    clauses: list[list[bytes]],
    reverse: bool,
    is_whole: bool,
    sample: int,
    common: int,
) -> None:
    """No line that holds one of each is left out, whatever the sample says."""
    data = b"".join(line + b"\n" for line in lines)
    if not is_whole:
        data = data[:-1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_search, "SAMPLE_BYTES", sample)
        patch.setattr(line_search, "COMMON_BYTES", common)
        found = [*candidates(data, clauses, reverse=reverse)]

    needed = {
        (len(b"\n".join(lines[:k])) + (k > 0), line)
        for k, line in enumerate(lines)
        if line and all(any(needle in line for needle in clause) for clause in clauses)
    }
    assert found == sorted(found, reverse=reverse)
    assert needed <= set(found)
    for begin, line in found:
        assert data[begin : begin + len(line)] == line
        assert data[begin - 1 : begin] in (b"", b"\n")
        assert data[begin + len(line) : begin + len(line) + 1] in (b"", b"\n")


def test_lines_that_lack_it_are_left_out() -> None:
    """Whether the clause is rare, or most lines hold it."""
    rare = b"".join(b"line %d\n" % n for n in range(1000))
    assert [(0, b"line 0"), (rare.index(b"line 360"), b"line 360")] == [
        *candidates(rare, [[b"line 0\n"[:-1], b"line 360"]], reverse=False)
    ]
    often = b"ab\nab\nc\nab\n"
    assert [(8, b"ab"), (3, b"ab"), (0, b"ab")] == [*candidates(often, [[b"a"]], reverse=True)]
    assert [(0, b"ab"), (3, b"ab"), (8, b"ab")] == [
        *candidates(often, [[b"a"], [b"b", b"x"]], reverse=False)
    ]
