"""What the operators of a filter mean, on one record, and how filters are written."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from atomic_store import Filter, InvalidEvent, parse_filter
from atomic_store.journal.record import StoredRecord
from filters import ADA, NOW, record

BID = record(
    {
        "lot": "lot-1",
        "bidder": "Ada Straße",
        "cents": 500,
        "rate": 0.5,
        "whole": 500.0,
        "big": 10**30 + 1,
        "minus": -3,
        "ok": True,
        "no": False,
        "nothing": None,
        "empty": "",
        "tags": ["new", "Hot", 7, [8], None],
        "item": {"name": "a cello", "$type": "Cello", "in": 1, "a b": {"c": [{"d": "deep"}]}},
        'q"': "é",
        "trace-id": "true",
        "0": "zero",
    },
    metadata={"correlation": "c-1", "who": {"name": "ada"}},
    meta="sniped",
)

HOLDS = [
    # fields
    'scope = "lot-1"', "scope = lot-1", "scope != lot-2", "scope ^= lot", "scope ~ LOT",
    "scope < lot-2", "scope > LOT", "scope in (a, lot-1)", "scope", "type = Bid", "type ^= B",
    "type ~ iD", "type in (Closed, Bid)", f"id = {ADA}", f"id = \"{ADA}\"", "id ^= 0198",
    "position = 7", "position = 7.0", "position != 8", "position < 7.5", "position >= 7",
    "position in (1, 7)", "sequence = 3", "sequence > -1", "sequence <= 3e0", "position at id",
    # times
    "at = 2026-11-23", "at >= 2026-11-23", "at <= 2026-11-23", "at < 2026-11-24",
    "at > 2026-11-22", "at != 2026-11-22", "at in (2026-11-22, 2026-11-23)",
    "at = 2026-11-23T15:04:05.123456Z", "at = 2026-11-23T16:04:05.123456+01:00",
    "at = 2026-11-23T15:04:05.123456", 'at = "2026-11-23T14:34:05.123456-00:30"',
    "at > 2026-11-23T15:04", "at < 2026-11-23T15:04:06Z", "at >= 2026-11-23T15:04:05.1Z",
    "at > -2h", "at >= -0s", "at <= -0s", "at > -1s", "at > -1m", "at > -1d", "at > -1w",
    'at > "-1h"', "at != -1s",
    # numbers
    "data.cents = 500", "data.cents = 500.0", "data.cents = 5e2", "data.whole = 500",
    "data.cents > 499.5", "data.cents >= 500", "data.cents < 500.5", "data.cents <= 500",
    "data.cents != 501", "data.rate = 0.5", "data.rate > 0", "data.minus = -3",
    "data.minus < -2.5", "data.big = 1000000000000000000000000000001",
    "data.big != 1000000000000000000000000000000", "data.big < 1e30", "data.cents in (1, 500.0)",
    "data.cents<1e308",
    # text
    'data.bidder = "Ada Straße"', 'data.bidder ~ "STRASSE"', "data.bidder ~ ada",
    "data.bidder ^= Ada", 'data.bidder != ""', "data.bidder > Ad", "data.bidder >= Ada",
    "data.bidder < B", 'data.empty = ""', 'data.empty ^= ""', 'data.empty ~ ""',
    'data.bidder in (x, "Ada Straße")', 'data.trace-id = "true"', "data.lot = lot-1",
    # other values
    "data.ok = true", "data.ok != false", "data.no = false", "data.nothing = null",
    "data.ok in (1, true)", "data.nothing in (null)", "data.nothing",
    # paths
    "data", "data.item.name", "data.item.$type = Cello", "data.item.in = 1", "data.tags[0] = new",
    'data.item["a b"].c[0].d = deep', 'data["item"]["name"] ^= "a c"', 'data["q\\""] = é',
    'data["0"] = zero', "data.0 = zero", "data.tags.* = Hot", "data.tags.* = 7",
    "data.tags.* != new", "data.tags.* > 6", "data.tags.* in (0, Hot)", "data.tags.*.* = 8",
    "data.*.name = \"a cello\"", "data.*.*.*.*.d = deep", "data.tags.* = null", "data.tags.*",
    "metadata", "metadata.correlation = c-1", "metadata.who.name = ada",
    "metadata.correlation = c-1 and metadata.who.name = ada", "meta = sniped and meta ^= s",
    "metadata.*.name = ada",
    "meta", "meta = sniped", "meta ~ SNIP", "meta ^= snip", 'meta in ("sniped")',
    # anywhere
    '"Straße"', '"lot-1"', '"Bid"', '"0198c0de"', '"a b"', '"deep"', '"trace-"', '"c-1"',
    '"correlation"', '"sniped"', '""', '"\\u0053tra\\u00dfe"',
    # joins
    "", "  \n\t", "type = Bid and scope = lot-1", "type = Bid scope = lot-1", "data.x or data.ok",
    "not data.x", "!data.x", "!!data.ok", "not not data.ok", "! not ! data.x",
    "(data.ok)", "((data.x) or (data.ok))", "not (data.x or data.y)", "!(data.x data.ok)",
    "data.x and data.y or data.ok", "data.ok or data.x and data.y", "not data.x or data.y",
    "(data.x or data.ok) and (data.y or data.no)", "not data.x and not data.y",
    'type=Bid"Ada"data.ok', "data.ok(data.no)", "not data.cents < 500", "data.ok !data.x",
]  # fmt: skip

DOES_NOT_HOLD = [
    "scope = lot", "scope != lot-1", "scope ^= ot", "scope ~ lott", "scope > lot-1",
    "scope in (a, b)", "type = bid", f"id = {ADA.upper()}", "position = 7.5", "position < 7",
    "position in (1, 2)", "position = 70", "sequence = 7",
    "at = 2026-11-22", "at < 2026-11-23", "at > 2026-11-23", "at != 2026-11-23",
    "at in (2026-11-22, 2026-11-24)", "at > -0s", "at < -1h", "at <= -1s", "at = -1s",
    "at = 2026-11-23T15:04:05Z",
    # another type, or nothing there
    'data.cents = "500"', 'data.cents != "500"', "data.cents ~ x", "data.cents ^= a",
    "data.bidder = 5", "data.bidder != 5", "data.bidder < 5", "data.ok = 1", "data.ok != 1",
    "data.no = 0", "data.ok > 0", "data.cents != true", "data.cents = true", "data.nothing = 0",
    'data.nothing = ""', "data.nothing != 5", "data.nothing < 5", "data.ok = null",
    "data.x = 5", "data.x != 5", "data.x", "data.x = null", "data.item = 5", "data.item != 5",
    "data.tags = new", "data.x in (1, null)", "data.cents in (true, null, x)", "data = 5",
    # numbers
    "data.big = 1000000000000000000000000000000", "data.big = 1e30", "data.rate = 0",
    "data.cents > 500", "data.cents < 500",
    # paths
    "data.tags[5]", "data.tags[7] = 7", "data.tags.0", "data.tags.new", "data[0]", "data.lot.x",
    "data.lot[0]", "data.lot.*", "data.tags.* = 8", "data.*.*.*.*.*.*", "data.item[0]",
    "data.tags.*.x", "meta.x", "meta.*", "metadata.x.*", "metadata[0]",
    # anywhere
    '"STRASSE"', '"500"', '"2026"', '"null"', '"lot-1Bid"',
    # joins
    "type = Bid and scope = x", "type = x scope = lot-1", "data.x or data.y", "not data.ok",
    "!!data.x", "not (data.x or data.ok)", "data.ok and (data.x or data.y)",
    "not data.ok or data.y", "not data.x and data.y",
]  # fmt: skip


def parse(text: str) -> Filter:
    return parse_filter(text, now=NOW)


@pytest.mark.parametrize("text", HOLDS)
def test_it_holds(text: str) -> None:
    """The record matches; it does not match the contrary."""
    assert parse(text).matches(BID)
    assert not text.strip() or not parse(f"not ({text})").matches(BID)


@pytest.mark.parametrize("text", DOES_NOT_HOLD)
def test_it_does_not_hold(text: str) -> None:
    """The record does not match; it matches the contrary."""
    assert not parse(text).matches(BID)
    assert parse(f"not ({text})").matches(BID)


@pytest.mark.parametrize("text", ["meta", "metadata", "metadata.correlation", "meta.* = 5",
                                  "metadata != 5", '"c-1"', "meta = null"])  # fmt: skip
def test_what_did_not_come_along_is_not_there(text: str) -> None:
    """A record without metadata and meta matches nothing that asks for them."""
    assert not parse(text).matches(record({}))


def test_null_is_there() -> None:
    """Metadata or meta that is null, or holds null, is there."""
    stored = record(None, metadata={"correlation": None}, meta=None)

    assert parse("data and meta = null and metadata.correlation = null").matches(stored)


def unreadable(part: str) -> StoredRecord:
    """A record of which one part is no JSON: whoever decodes it notices."""
    parts = {"data": b"{}", "metadata": b"{}", "meta": b"{}", part: b"{"}
    return msgspec.structs.replace(record(), **parts)


@pytest.mark.parametrize("part", ["data", "metadata", "meta"])
def test_only_what_is_needed_is_decoded(part: str) -> None:
    """What no term asks for is not decoded, nor what the terms about fields have settled."""
    stored = unreadable(part)

    assert parse("type = Bid position > 6").matches(stored)
    assert not parse(f'("x" or {part}.x) and type = Closed').matches(stored)
    assert not parse(f"(type = Closed or {part}.x) and type = Closed").matches(stored)
    assert parse(f'(not "x" and !{part}.x) or type = Bid').matches(stored)
    for other in {"data", "metadata", "meta"} - {part}:
        assert parse(f"{other}").matches(stored)
    with pytest.raises(InvalidEvent):
        parse(f"{part}.x").matches(stored)
    with pytest.raises(InvalidEvent):
        parse('"x"').matches(stored)


WRITTEN = [
    ("", ""),
    (" \n", ""),
    ("type=Bid", 'type = "Bid"'),
    ("scope in(17,a)", 'scope in ("17", "a")'),
    ("scope = true", 'scope = "true"'),
    ('"a\\u0041\\n\\/é"', '"aA\\n/é"'),
    ("data.a data.b", "data.a and data.b"),
    ("(data.a (data.b data.c))", "data.a and data.b and data.c"),
    ("data.a or (data.b or data.c)", "data.a or data.b or data.c"),
    ("(data.a and data.b) or data.c", "data.a and data.b or data.c"),
    ("(data.a or data.b) data.c", "(data.a or data.b) and data.c"),
    ("!(data.a)", "not data.a"),
    ("!(data.a data.b)", "not (data.a and data.b)"),
    ("!(!(data.a or data.b))", "data.a or data.b"),
    ("! ! !data.a", "not data.a"),
    ('data["a"]["a b"]["$x-1"]["é"].*[0][""]', 'data.a["a b"].$x-1.é.*[0][""]'),
    ("data.a = 5e2", "data.a = 500.0"),
    ("data.a = 1e16", "data.a = 1e+16"),
    ("data.a = 1e+16", "data.a = 1e+16"),
    ("data.a = -0.0", "data.a = -0.0"),
    ("data.a = -0", "data.a = 0"),
    (f"data.a = {10**50}", f"data.a = {10**50}"),
    ("data.a in (true,null,x)", 'data.a in (true, null, "x")'),
    (f"metadata.correlation = {ADA}", f'metadata.correlation = "{ADA}"'),
    ("at > -2h", 'at > "2026-11-23T13:04:05.123456Z"'),
    ("at > 2026-11-23", 'at > "2026-11-23"'),
    ("at > 2026-11-23T10:00+02:00", 'at > "2026-11-23T08:00:00.000000Z"'),
    ("at > 0001-01-01", 'at > "0001-01-01"'),
    ("at > 9999-12-31", 'at > "9999-12-31"'),
]


@pytest.mark.parametrize(("text", "written"), WRITTEN)
def test_a_filter_is_written_in_one_way(text: str, written: str) -> None:
    """A filter's text is neat, says the same, and stays as it is when it is parsed again."""
    filter_ = parse(text)

    assert written == filter_.text == str(filter_)
    assert filter_ == parse_filter(written, now=NOW + timedelta(days=1))
    assert written == parse(written).text


def test_filters_are_values() -> None:
    """Two that are written alike are equal, whatever was given; their repr shows the text."""
    assert parse("type=Bid") == parse('  (type = "Bid")')
    assert hash(parse("type=Bid")) == hash(parse('type = "Bid"'))
    assert parse("type=Bid") != parse("type=Bin")
    assert parse("data.a = 1") != parse("data.a = 1.0")
    assert repr(parse("type = Bid")) == "<Filter 'type = \"Bid\"'>"
    with pytest.raises(AttributeError):
        parse("type = Bid").text = "type = Closed"  # type: ignore[misc]  # that is the test


def test_now_may_be_in_any_zone() -> None:
    """So long ago is counted from the moment that `now` is, in whatever zone."""
    east = NOW.astimezone(timezone(timedelta(hours=9)))

    assert parse("at > -1h") == parse_filter("at > -1h", now=east)


def test_the_machine_may_be_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times and days without a zone are in UTC, wherever this process takes itself to be."""
    texts = ["at > 2026-11-23T15:04", "at = 2026-11-23", "at > -1h"]
    expected = [parse(text) for text in texts]
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "XYZ-9")
        time.tzset()
        found = [parse(text) for text in texts]
    time.tzset()

    assert expected == found


def test_now_needs_a_zone() -> None:
    """A naive `now` is the caller's mistake, not the text's, even if nobody asks for it."""
    with pytest.raises(ValueError, match="expected a time with a zone") as raised:
        parse_filter("", now=datetime(2026, 11, 23))

    assert type(raised.value) is ValueError


def test_a_day_is_one_in_utc() -> None:
    """A date is the whole day, from its first microsecond to its last, in UTC."""
    moments = ["2026-11-22T23:59:59.999999Z", "2026-11-23T00:00:00.000000Z",
               "2026-11-23T23:59:59.999999Z", "2026-11-24T00:00:00.000000Z"]  # fmt: skip

    def matching(text: str) -> list[bool]:
        return [parse(text).matches(record({}, at=at)) for at in moments]

    assert [False, True, True, False] == matching("at = 2026-11-23")
    assert [True, False, False, True] == matching("at != 2026-11-23")
    assert [True, False, False, False] == matching("at < 2026-11-23")
    assert [True, True, True, False] == matching("at <= 2026-11-23")
    assert [False, False, False, True] == matching("at > 2026-11-23")
    assert [False, True, True, True] == matching("at >= 2026-11-23")


def test_numbers_compare_exactly() -> None:
    """No integer is rounded to a float on the way."""
    stored = record({"n": 2**53 + 1})

    assert parse(f"data.n > {2.0**53!r}").matches(stored)
    assert not parse(f"data.n = {2.0**53!r}").matches(stored)
    assert parse(f"data.n = {2**53 + 1}").matches(stored)
    assert not parse(f"data.n < {10.0**16!r} data.n in ({2**53}, 1.5)").matches(stored)


def test_a_filter_can_be_made_now() -> None:
    """What users write: the time now is theirs to give."""
    assert parse_filter("at < -1d", now=datetime.now(UTC)).text.startswith("at < ")
