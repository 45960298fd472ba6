"""Which records are meant: the options that commands share, and what can be asked of them."""

from __future__ import annotations

import click

from ..errors import FilterError, InvalidEvent, shown
from ..filter import Filter, parse
from ..filter.terms import Compare, Path
from ..filter.times import EXPECTED, period
from ..filter.writing import written
from ..intake import check_scope
from ..journal.clock import utc_now


def scope_callback(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> str | None:
    """Refuse what no scope can be named."""
    if value is not None:
        try:
            check_scope(value)
        except InvalidEvent as error:
            raise click.BadParameter(str(error)) from None
    return value


def _filter(context: click.Context, parameter: click.Parameter, value: str | None) -> Filter | None:
    """Read a filter; refuse what is none, and show where it goes wrong."""
    try:
        return None if value is None else parse(value, now=utc_now())
    except FilterError as error:
        raise click.BadParameter(str(error)) from None


def _time(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse what is no time."""
    if value is not None and period(value, utc_now()) is None:
        raise click.BadParameter(f"expected {EXPECTED}, found {shown(value)}")
    return value


def _correlation(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> Filter | None:
    """Make the filter for what belongs to an id."""
    if value is None:
        return None
    # Nothing but these two: an index knows both, and so finds them at once.
    terms = [
        written(Compare(Path("metadata", (member,)), "=", value))
        for member in ("correlation", "causation")
    ]
    try:
        return parse(" or ".join(terms), now=utc_now())
    except FilterError as error:
        raise click.BadParameter(str(error)) from None


def both(one: Filter | None, other: Filter | None) -> Filter | None:
    """Give the filter for what matches two, of which there may be none."""
    if one is None or not one.text or other is None:
        return other or one
    try:
        return parse(f"({one.text}) and ({other.text})", now=utc_now())
    except FilterError as error:
        raise click.UsageError(f"the filters are too much together: {error}") from None


def refuse_both(scope: str | None, prefix: str | None) -> None:
    """Refuse to choose scopes in two ways at once."""
    if scope is not None and prefix is not None:
        raise click.UsageError("expected --scope or --prefix, found both")


scope_option = click.option(
    "--scope", callback=scope_callback, metavar="S", help="Only the records of this scope."
)
prefix_option = click.option(
    "--prefix", metavar="P", help="Only the records of scopes whose names begin with P."
)
where_option = click.option(
    "--where", callback=_filter, metavar="FILTER", help="Only the records that match this filter."
)
correlation_option = click.option(
    "--correlation",
    callback=_correlation,
    metavar="ID",
    help="Only the records with this correlation, or this causation, in their metadata.",
)
at_option = click.option(
    "--at",
    callback=_time,
    metavar="TIME",
    help="Begin with the first record not before TIME; reversed, the last one not after it.",
)
sequence_option = click.option(
    "--sequence",
    type=click.IntRange(min=1),
    metavar="N",
    help="Only the scope's N-th record.",
)
json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print each record as in the journal, without its checksums.",
)


def sequence_filter(sequence: int | None, scope: str | None) -> Filter | None:
    """Give the filter for a scope's record; refuse a sequence without a scope."""
    if sequence is None:
        return None
    if scope is None:
        raise click.UsageError("--sequence counts within a scope: expected --scope, too")
    return parse(f"sequence = {sequence}", now=utc_now())
