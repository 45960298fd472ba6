"""JSON in a line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from filters import documents
from inspector.model.summary import summary


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('{"bidder":"ada","cents":500}', "bidder=ada cents=500"),
        ('{ "bidder" : "ada" ,\n"cents": 500 }', "bidder=ada cents=500"),
        ('{"note":"two words","empty":"","equal":"a=b"}', 'note="two words" empty="" equal="a=b"'),
        ('{"text":"5","number":5,"word":"true","is":true}',
         'text="5" number=5 word="true" is=true'),
        ('{"a":{"b":[1,{"c":null}]},"d":[]}', "a={b=[1 {c=null}]} d=[]"),
        ("{}", ""),
        ("[]", "[]"),
        ("[1,2]", "[1 2]"),
        ('"ada"', "ada"),
        ("-1.5e3", "-1.5e3"),
        (r'{"a":"\u001b[31m\n","b":"\ud800","c":"\u00e9\"\\"}',
         'a="␛[31m␊" b=⟨U+D800⟩ c="é"\\"'),
        ('{"[/x]":"[@click=app.quit]"}', '"[/x]"="[@click=app.quit]"'),
        ('{"odd key":1}', '"odd key"=1'),
        ("no JSON at all", "no JSON at all"),
        ("\x1b]0;x\x07", "␛]0;x␇"),
        ('{"a":"\x1b\u202e"}', "a=␛⟨U+202E⟩"),
    ],
)  # fmt: skip
def test_what_is_said(data: str, said: str) -> None:
    """Members as `key=value`, without braces and quotes that nobody misses."""
    assert said == summary(data.encode(), 200)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"a":"' + b"x" * 1_000_000 + b'"}', "a=xxxxxxxxxxxxxxxxx…"),
        (b'{"a":"' + b"\\u0041" * 1_000_000 + b'"}', "a=AAAAAAAAAAAAAAAAA…"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "a={a={a={a={a={a={a…"),
        (b"[" * 10_000 + b"]" * 10_000, "[" * 19 + "…"),
        (b"[" + b"1," * 1_000_000 + b"1]", "[1 1 1 1 1 1 1 1 1 …"),
        (b"{" + b" " * 1_000_000 + b"}", " …"),
        (b'{"a":"' + "é".encode() * 1_000 + b'"}', "a=ééééééééééééééééé…"),
        (b"x" * 1_000_000, "x" * 19 + "…"),
    ],
)
def test_only_the_beginning_is_read(data: bytes, said: str) -> None:
    """Of what is long or deep, what fits is said, and that there is more."""
    assert said == summary(data, 20)


@given(documents, st.integers(0, 60))
def test_it_fits(document: object, cells: int) -> None:
    """It is never wider than it may be, whatever there is."""
    assert cell_len(summary(json.dumps(document).encode(), cells)) <= cells


@given(st.binary(max_size=80) | st.text('{}[]",:\\ 1ae', max_size=60).map(str.encode))
def test_no_json_does_no_harm(data: bytes) -> None:
    """What is no JSON, or almost, is shown somehow."""
    assert cell_len(summary(data, 40)) <= 40


@given(st.dictionaries(st.text("abc", min_size=1), st.integers() | st.text("xyz", min_size=1)))
def test_plain_members_are_all_there(members: dict[str, object]) -> None:
    """Each member of a plain object is said, in its order."""
    expected = " ".join(f"{key}={value}" for key, value in members.items())

    assert expected == summary(json.dumps(members).encode(), 10_000)
