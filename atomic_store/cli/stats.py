"""`atomic-store stats`: what a store holds, how fast it grew, and what its files take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click
import trio

from ..journal.stock import SegmentStock, Stock, take_stock
from .output import counted, print_line, print_value, shortened
from .places import Place, open_at_gateway, place_argument, refuse_token, token_file_option
from .texts import help_option


@click.command(add_help_option=False)
@place_argument
@token_file_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@help_option
def stats(store: Place, token_file: str | None, as_json: bool) -> None:
    """
    Say what STORE holds, segment by segment, and how much room its files take.

    Of a gateway (STORE is its URL, wss://…) it says what that counts, by name; that needs the
    right to operate.
    """
    refuse_token(store, token_file)
    if store.directory is None:
        _print_figures(trio.run(_figures, store, token_file), as_json=as_json)
        return
    stock = take_stock(store.directory)
    if as_json:
        print_value(_json_of(stock))
        return
    for line in _lines_of(store.directory, stock):
        print_line(line)


async def _figures(place: Place, token_file: str | None) -> dict[str, Any]:
    async with open_at_gateway(place, token_file) as client:
        return await client.stats()


def _print_figures(figures: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_value(figures)
        return
    for name, value in figures.items():
        print_line(f"{name}: {_figure(value)}")


def _figure(value: Any) -> str:
    """Write a figure for people."""
    match value:
        case None:
            return "none"
        case bool() | str():
            return shortened(str(value))
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.6g}"
        case _:
            return shortened(str(value))


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
