"""The text of a token file: what is written is read, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store import AtomicStoreError
from atomic_store.gateway.access import token_text
from atomic_store.gateway.access.token_text import BadTokenFile, parse, write
from atomic_store.gateway.access.tokens import (
    Entry,
    TokenSet,
    digest_of,
    note_fault,
    prefix_fault,
    principal_fault,
)
from atomic_store.gateway.protocol.rights import Principal, Right
from token_files import NOW, entry, token, tokens

TIMES = st.datetimes(timezones=st.just(UTC))
ENTRIES = st.builds(
    Entry,
    sha256=st.binary(min_size=32, max_size=32),
    principal=st.builds(
        Principal,
        st.text(min_size=1, max_size=20).filter(lambda name: principal_fault(name) is None),
        st.dictionaries(
            st.sampled_from(Right),
            st.lists(
                st.text(max_size=20).filter(lambda prefix: prefix_fault(prefix) is None),
                min_size=1,
                max_size=3,
            ).map(tuple),
        ),
    ),
    created=TIMES,
    expires=st.none() | TIMES,
    note=st.none() | st.text(max_size=20).filter(lambda note: note_fault(note) is None),
)
TOKEN_SETS = st.lists(ENTRIES, max_size=4, unique_by=lambda e: e.id).map(
    lambda entries: TokenSet(tuple(entries))
)

EXAMPLE = """\
{
  "format": "atomic-store-tokens",
  "version": 1,
  "tokens": [
    {
      "id": "ID",
      "principal": "ada",
      "rights": {
        "read": [
          "lot/"
        ]
      },
      "created": "2026-11-23T15:04:05.000000Z",
      "expires": null,
      "note": "für Ada",
      "sha256": "HASH"
    }
  ]
}
"""


def changed(*path: str | int, to: Any = None, **members: Any) -> bytes:
    """A good file with another value at a path, or other members there; `...` takes one away."""
    file = json.loads(write(tokens(entry(1, expires=NOW), entry(2))))
    at = file
    for step in path[:-1] if not members else path:
        at = at[step]
    for key, value in members.items() if members else [(path[-1], to)]:
        if value is ...:
            del at[key]
        else:
            at[key] = value
    return json.dumps(file).encode()


def refusal(text: bytes) -> str:
    """What is said about a bad file."""
    with pytest.raises(BadTokenFile) as caught:
        parse(text, "tokens.json")
    return str(caught.value)


def test_it_is_written_for_people() -> None:
    """A member a line, in UTF-8, with a newline at its end."""
    kept = entry(1, note="für Ada", read=("lot/",))

    text = EXAMPLE.replace("ID", kept.id).replace("HASH", digest_of(token(1)).hex())
    assert text == write(tokens(kept)).decode()


@given(TOKEN_SETS)
def test_what_is_written_is_read(kept: TokenSet) -> None:
    """The same tokens come back."""
    assert kept == parse(write(kept), "tokens.json")


def test_times_may_have_any_zone() -> None:
    """They are the same moments in UTC."""
    text = changed("tokens", 0, "expires", to="2026-11-23T17:04:05+02:00")

    expires = parse(text, "t").entries[0].expires
    assert NOW == expires
    assert expires is not None
    assert timedelta() == expires.utcoffset()
    assert write(tokens(entry(1, expires=NOW.astimezone(timezone(timedelta(hours=5)))))) == write(
        tokens(entry(1, expires=NOW))
    )


def test_a_file_may_have_no_tokens() -> None:
    """Then nobody comes in."""
    assert TokenSet() == parse(write(TokenSet()), "t")


BAD: list[tuple[bytes, str]] = [
    (b"", "line 1, column 1: expected JSON text, found Expecting value"),
    (b'{\n "a": ]', "line 2, column 7: expected JSON text, found Expecting value"),
    (b"\xff\xfe{}", "byte 0: expected UTF-8, found other bytes"),
    (b"\xef\xbb\xbf{}", "line 1, column 1: expected JSON text, found Unexpected UTF-8 BOM"),
    (b"[]", "$: expected an object, found []"),
    (b'{"format":"x","format":"y"}', "$: expected JSON text, found expected each key once"),
    (b"[" * 100_000, "$: expected JSON text, found expected at most 100 levels"),
    (changed(format="tokens"), "$.format: expected \"atomic-store-tokens\", found 'tokens'"),
    (changed(version=2), "$.version: expected 1, found 2"),
    (changed(version=True), "$.version: expected 1, found True"),
    (changed(version=...), "$.version: expected it to be there, found nothing"),
    (changed(token=[]), "$: expected members of format, tokens, version, found 'token'"),
    (changed(tokens={}), "$.tokens: expected an array, found {}"),
    (changed("tokens", 1, to=7), "$.tokens[1]: expected an object, found 7"),
    (changed("tokens", 1, expire=None), "$.tokens[1]: expected members of created, expires, id,"),
    (changed("tokens", 1, expires=...), "$.tokens[1].expires: expected it to be there, found not"),
    (changed("tokens", 0, expires="soon"), "$.tokens[0].expires: expected a time with its zone"),
    (changed("tokens", 0, expires="2026-11-23T15:04:05"), "expires: expected a time with its zone"),
    (changed("tokens", 0, expires="0001-01-01T00:00:00+23:00"), "expected a time with its zone"),
    (changed("tokens", 0, expires=1e9), "$.tokens[0].expires: expected a string, found 1000"),
    (changed("tokens", 0, created=None), "$.tokens[0].created: expected a string, found None"),
    (changed("tokens", 0, id="0123456789ab"), f"$.tokens[0].id: expected '{entry(1).id}', the beg"),
    (changed("tokens", 0, sha256="A" * 64), "sha256: expected 64 digits 0-9 a-f, found 64 other"),
    (changed("tokens", 0, sha256="a" * 63), "sha256: expected 64 digits 0-9 a-f, found 63 other"),
    (changed("tokens", 0, sha256="a" * 64), "$.tokens[0].id: expected 'aaaaaaaaaaaa', the begin"),
    (changed("tokens", 0, principal=""), "$.tokens[0].principal: expected 1 to 128 bytes of pri"),
    (changed("tokens", 0, note=["x"]), "$.tokens[0].note: expected a string, found ['x']"),
    (changed("tokens", 0, note="a\nb"), "$.tokens[0].note: expected 0 to 512 bytes of printable"),
    (changed("tokens", 0, "rights", reed=[]), "rights: expected members of decide, operate, propo"),
    (changed("tokens", 0, "rights", read=""), "$.tokens[0].rights.read: expected an array, found"),
    (changed("tokens", 0, "rights", read=["", 1]), "rights.read[1]: expected a string, found 1"),
    (changed("tokens", 0, "rights", read=["\0"]), "rights.read[0]: expected 0 to 512 bytes of UTF"),
    (changed("tokens", 0, "rights", read=["a"] * 101), "read: expected at most 100 of them, found"),
    (changed(tokens=[json.loads(write(tokens(entry(1))))["tokens"][0]] * 2),
     f"$.tokens[1].id: expected each token once, found {entry(1).id} again"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "complaint"), BAD, ids=[complaint[:40] for _, complaint in BAD])
def test_a_bad_file_is_refused(text: bytes, complaint: str) -> None:
    """The error names the file, the place, what was expected and what was found."""
    said = refusal(text)

    assert complaint in said
    assert said.startswith("tokens.json: ")


def test_the_error_has_its_parts() -> None:
    """Path, place, expected and found, for programs; it is one of the library's errors."""
    with pytest.raises(BadTokenFile) as caught:
        parse(changed(version=2), "t.json")

    error = caught.value
    assert ("t.json", "$.version", "1", "2") == (
        error.path, error.place, error.expected, error.found,
    )  # fmt: skip
    assert isinstance(error, AtomicStoreError)


def test_a_file_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is looked into."""
    monkeypatch.setattr(token_text, "FILE_BYTES_MAX", 10)

    assert "tokens.json: $: expected at most 10 bytes, found more" == refusal(b"x" * 11)


PLACES: list[Callable[[str], bytes]] = [
    lambda text: text.encode(),
    lambda text: json.dumps(text).encode(),
    lambda text: json.dumps({text: 1}).encode(),
    lambda text: b'{"%b":1,"%b":2}' % (text.encode(), text.encode()),
    lambda text: changed(format=text),
    lambda text: changed(version=[text]),
    lambda text: changed(tokens=text),
    *(
        lambda text, member=member: changed("tokens", 0, **{member: text + "\n"})
        for member in ("id", "sha256", "principal", "rights", "created", "expires", "note")
    ),
    lambda text: changed("tokens", 0, "rights", **{text: []}),
    lambda text: changed("tokens", 0, "rights", read=[text + "\0"]),
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("length", [47, 30])
def test_no_error_shows_a_token(place: Callable[[str], bytes], length: int) -> None:
    """Somebody may put one, or a part of one, into the file in the place of its hash."""
    text = token(123_456_789**3)[:length]

    said = refusal(place(text))

    assert text[-8:] not in said


def test_a_secret_without_its_prefix_is_not_shown() -> None:
    """In the place of the hash."""
    said = refusal(changed("tokens", 0, sha256=token(7)[4:]))

    assert token(7)[-8:] not in said


@given(st.data())
def test_no_damage_lets_anybody_in(data: st.DataObject) -> None:
    """A flipped bit makes the file bad, a token unknown, or is in what people may change."""
    kept = tokens(entry(1, expires=NOW), entry(2))
    text = bytearray(write(kept))
    bit = data.draw(st.integers(0, 8 * len(text) - 1))
    text[bit // 8] ^= 1 << bit % 8
    try:
        found = parse(bytes(text), "t")
    except BadTokenFile:
        return
    assert [e.id for e in kept.entries] == [e.id for e in found.entries]
    for number in (1, 2):
        known = found.lookup(token(number), NOW - timedelta(days=365 * 100))
        assert known is None or known.id == entry(number).id


def test_years_have_four_digits() -> None:
    """A time in a year before 1000 is written so that it is read again."""
    early = datetime(1, 1, 1, tzinfo=UTC)

    assert early == parse(write(tokens(entry(1, expires=early))), "t").entries[0].expires
