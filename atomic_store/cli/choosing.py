"""Which records are meant: the options that commands share, and what can be asked of them."""

from __future__ import annotations

import click

from ..errors import FilterError, InvalidEvent, shown
from ..filter import Filter, parse
from ..filter.times import EXPECTED, period
from ..intake import check_scope
from ..journal.clock import utc_now


def _scope(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
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


def refuse_both(scope: str | None, prefix: str | None) -> None:
    """Refuse to choose scopes in two ways at once."""
    if scope is not None and prefix is not None:
        raise click.UsageError("expected --scope or --prefix, found both")


scope_option = click.option(
    "--scope", callback=_scope, metavar="S", help="Only the records of this scope."
)
prefix_option = click.option(
    "--prefix", metavar="P", help="Only the records of scopes whose names begin with P."
)
where_option = click.option(
    "--where", callback=_filter, metavar="FILTER", help="Only the records that match this filter."
)
at_option = click.option(
    "--at",
    callback=_time,
    metavar="TIME",
    help="Begin with the first record not before TIME; reversed, the last one not after it.",
)
json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print each record as in the journal, without its checksums.",
)
