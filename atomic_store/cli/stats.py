"""`atomic-store stats`: what a store holds, how fast it grew, and what its files take."""

from __future__ import annotations

from pathlib import Path

import attrs
import click

from ..journal.stock import SegmentStock, Stock, take_stock
from .arguments import store_argument
from .output import counted, print_line, print_value
from .texts import help_option


@click.command(add_help_option=False)
@store_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@help_option
def stats(store: Path, as_json: bool) -> None:
    """Say what STORE holds, segment by segment, and how much room its files take."""
    stock = take_stock(store)
    if as_json:
        print_value(_json_of(stock))
        return
    for line in _lines_of(store, stock):
        print_line(line)


def _lines_of(store: Path, stock: Stock) -> list[str]:
    lines = [f"{store}: store {stock.store}, history {stock.history}, made {stock.created}"]
    records, scopes = counted(stock.head.position, "record"), counted(stock.scopes, "scope")
    lines.append(f"{records} of {scopes}" + (f", the last one at {stock.at}" if stock.at else ""))
    lines.append(f"head: position {stock.head.position}, commit {stock.head.commit}")
    lines += [_segment_line(segment) for segment in stock.segments]
    size = sum(segment.bytes for segment in stock.segments)
    lines.append(f"journal: {counted(len(stock.segments), 'segment')}, {counted(size, 'byte')}")
    lines.append(
        f"index: {counted(stock.index.files, 'file')}, {counted(stock.index.bytes, 'byte')}, "
        f"up to position {stock.indexed:,}"
    )
    snapshots = stock.snapshots
    lines.append(
        f"snapshots: {counted(snapshots.files, 'file')}, {counted(snapshots.bytes, 'byte')}"
    )
    lines += [f"cut off after a crash: {t.name}, {counted(t.bytes, 'byte')}" for t in stock.torn]
    return lines


def _segment_line(segment: SegmentStock) -> str:
    rate = segment.records_a_second
    words = [
        segment.name,
        counted(segment.bytes, "byte"),
        counted(segment.records, "record"),
        f"from {segment.first_at} to {segment.last_at}" if segment.records else "",
        "" if rate is None else f"{rate:,.1f} records/s",
        f"index {segment.index}",
    ]
    return "  ".join(word for word in words if word)


def _json_of(stock: Stock) -> dict[str, object]:
    value = attrs.asdict(stock)
    for segment, shown in zip(stock.segments, value["segments"], strict=True):
        shown["records_a_second"] = segment.records_a_second
    return value
