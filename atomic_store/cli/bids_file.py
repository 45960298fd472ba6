"""Bids from a CSV file. Pure, but for `read_bids`, which reads the file."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import attrs

from ..errors import shown
from ..intake import SCOPE_BYTES_MAX
from .auction import Bid, LotEvent, Opened, Proposal
from .sale import Sale, proposals_of

FILE_BYTES_MAX = 256 * 1024 * 1024
TEXT_CHARACTERS_MAX = 512
COLUMNS = ("lot", "bid", "days_after_open", "bidder", "opening_bid", "final_price", "item")

_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")


class BadBids(Exception):
    """The file is not one of bids; the message says where, what was expected, what found."""


@attrs.frozen
class _Row:
    line: int
    lot: str
    bidder: str
    bid_cents: int
    days_after_open: float
    opening_cents: int
    final_cents: int
    item: str


def read_bids(path: Path) -> Sale:
    """
    Read a file of bids; other columns than `COLUMNS` are ignored.

    Returns:
      One queue a lot, in the order of `days_after_open`, ties in that of the file.

    Raises:
      BadBids: it is not a file of bids.
      OSError: it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise BadBids(f"{path}: expected at most {FILE_BYTES_MAX:,} bytes, found more")
    return parse_bids(data, str(path))


def parse_bids(data: bytes, name: str) -> Sale:
    """Parse what `read_bids` reads; `name` is the file's, for messages."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"the byte 0x{data[error.start]:02x}"
        raise BadBids(f"{name}:{line}: expected text in UTF-8, found {found}") from None
    lots: dict[str, list[_Row]] = {}
    for row in _rows(text, name):
        rows = lots.setdefault(row.lot, [])
        if rows and rows[0].final_cents != row.final_cents:
            expected = f"{rows[0].final_cents} cents as in line {rows[0].line}, for the same lot"
            raise _bad(name, row.line, "final_price", expected, f"{row.final_cents} cents")
        rows.append(row)
    if not lots:
        raise BadBids(f"{name}:2: expected a bid, found the end of the file")
    for rows in lots.values():
        rows.sort(key=lambda row: row.days_after_open)
    return _sale(lots)


def _sale(lots: Mapping[str, Sequence[_Row]]) -> Sale:
    openings: list[tuple[str, LotEvent]] = [
        ("", Opened(lot, rows[0].item, rows[0].opening_cents)) for lot, rows in lots.items()
    ]
    return Sale(
        openings=proposals_of(openings),
        queues=tuple(map(_queue, lots.values())),
        at_once="all lots",
        recorded_cents={lot: rows[0].final_cents for lot, rows in lots.items()},
    )


def _queue(rows: Sequence[_Row]) -> tuple[Proposal, ...]:
    return proposals_of(
        (repr(row.days_after_open), Bid(row.lot, row.bidder, row.bid_cents)) for row in rows
    )


def _rows(text: str, name: str) -> Iterator[_Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = _header(next(reader, []), name)
        for values in reader:
            if not values:
                continue
            if len(values) != len(columns):
                expected = f"{len(columns)} values, as many as columns in the header"
                raise _bad(name, reader.line_num, None, expected, str(len(values)))
            yield _row(_Fields(name, reader.line_num, dict(zip(columns, values, strict=True))))
    except csv.Error as error:
        raise _bad(name, reader.line_num, None, "comma-separated values", str(error)) from None


def _header(columns: Sequence[str], name: str) -> list[str]:
    if not columns:
        expected = f"a header with {', '.join(COLUMNS)}"
        raise _bad(name, 1, None, expected, "nothing")
    names = [column.strip() for column in columns]
    for column in COLUMNS:
        if names.count(column) != 1:
            found = f"{names.count(column)} of it among {shown(', '.join(names))}"
            raise _bad(name, 1, None, f"one column `{column}`", found)
    return names


def _row(fields: _Fields) -> _Row:
    return _Row(
        line=fields.line,
        lot=fields.scope("lot"),
        bidder=fields.text("bidder"),
        bid_cents=fields.cents("bid"),
        days_after_open=fields.number("days_after_open"),
        opening_cents=fields.cents("opening_bid"),
        final_cents=fields.cents("final_price"),
        item=fields.text("item"),
    )


@attrs.frozen
class _Fields:
    """One line's values, by column."""

    name: str
    line: int
    values: Mapping[str, str]

    def text(self, column: str) -> str:
        value = self.values[column].strip()
        if not 1 <= len(value) <= TEXT_CHARACTERS_MAX:
            raise self.bad(column, f"1 to {TEXT_CHARACTERS_MAX} characters", value)
        return value

    def scope(self, column: str) -> str:
        value = self.values[column].strip()
        if not 1 <= len(value.encode()) <= SCOPE_BYTES_MAX or "\0" in value:
            raise self.bad(column, f"a name of 1 to {SCOPE_BYTES_MAX} bytes without NUL", value)
        return value

    def cents(self, column: str) -> int:
        value = self.values[column].strip()
        # `Decimal` alone would also take `NaN`, `1e9`, `-1` and digits of other scripts.
        cents = Decimal(value) * 100 if _AMOUNT.fullmatch(value) else None
        if cents is None or cents != int(cents):
            raise self.bad(column, "an amount of whole cents such as 12.50", value)
        return int(cents)

    def number(self, column: str) -> float:
        value = self.values[column].strip()
        number = float(value) if _NUMBER.fullmatch(value) else math.nan
        if not math.isfinite(number):
            raise self.bad(column, "a number such as 2.230949, not below 0", value)
        return number

    def bad(self, column: str, expected: str, found: str) -> BadBids:
        return _bad(self.name, self.line, column, expected, shown(found))


def _bad(name: str, line: int, column: str | None, expected: str, found: str) -> BadBids:
    place = "" if column is None else f"{column}: "
    return BadBids(f"{name}:{line}: {place}expected {expected}, found {found}")
