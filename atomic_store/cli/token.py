"""`atomic-store token`: who may come in through a gateway."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from ..errors import shown
from ..filter.times import period
from ..gateway.access.token_changes import change_token_file, read_token_file
from ..gateway.access.token_file import permissions_fault
from ..gateway.access.token_text import time_text
from ..gateway.access.tokens import (
    PREFIXES_MAX,
    SECRET_BYTES,
    Entry,
    Fault,
    TokenSet,
    digest_of,
    make_token,
    note_fault,
    prefix_fault,
    principal_fault,
    redacted,
)
from ..gateway.protocol.rights import Principal, Right
from ..journal.clock import utc_now
from .ending import DONE, WRONG
from .output import complain, flush, print_line, print_value
from .texts import help_option

F = TypeVar("F", bound=Callable[..., Any])

MEANS = {
    Right.READ: "query and follow the scopes",
    Right.PROPOSE: "hand in events for the scopes",
    Right.DECIDE: "validate his own proposals for the scopes",
    Right.VALIDATE: "validate the proposals of others for the scopes",
    Right.OPERATE: "see and end the rounds of others, see statistics and verify, for the scopes",
}
EXPIRES = "how long from now: 30d (s m h d w), a time: 2026-11-23T15:04:05Z, or a date: 2026-11-23"

_FROM_NOW = re.compile(r"(?P<count>\d{1,9})(?P<unit>[smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _file(context: click.Context, parameter: click.Parameter, value: str) -> Path:
    if value == "":
        raise click.BadParameter("expected the path of a token file, found an empty one")
    return Path(value)


def _checked(fault: Callable[[str], Fault | None]) -> Callable[..., Any]:
    """Refuse a text, or one of several, with which something is wrong."""

    def check(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
        texts = value if isinstance(value, tuple) else () if value is None else (value,)
        for text in texts:
            if (found := fault(text)) is not None:
                raise click.BadParameter(str(found))
        if len(texts) > PREFIXES_MAX:
            raise click.BadParameter(f"expected it {PREFIXES_MAX} times at most")
        return value

    return check


def _expiry(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> datetime | None:
    if value is None:
        return None
    now = utc_now()
    moment = _moment(value, now)
    if moment is None:
        raise click.BadParameter(f"expected {EXPIRES}, found {shown(redacted(value))}")
    if moment <= now:
        raise click.BadParameter(f"expected a time to come, found {time_text(moment)}")
    return moment


def _moment(text: str, now: datetime) -> datetime | None:
    try:
        if (ahead := _FROM_NOW.fullmatch(text)) is not None:
            return now + timedelta(**{_UNITS[ahead["unit"]]: int(ahead["count"])})
    except OverflowError:
        return None
    found = period(text, now)
    return None if found is None else datetime.fromisoformat(found.first)


def _rights_options(command: F) -> F:
    """Add an option for each right."""
    for right in reversed(Right):
        option = click.option(
            f"--{right}",
            multiple=True,
            metavar="PREFIX",
            callback=_checked(prefix_fault),
            help=f'May {MEANS[right]} that begin with PREFIX; "" for all. May be repeated.',
        )
        command = option(command)
    return command


file_argument = click.argument("file", type=click.Path(), callback=_file)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")


@click.group(add_help_option=False, no_args_is_help=False)
@help_option
def token() -> None:
    """Make, list and revoke the tokens in a gateway's token file."""


@token.command(add_help_option=False)
@file_argument
@click.option(
    "--principal",
    required=True,
    metavar="NAME",
    callback=_checked(principal_fault),
    help="Whom it stands for; records say who proposed them.",
)
@_rights_options
@click.option(
    "--expires",
    callback=_expiry,
    metavar="TIME",
    help=f"From when on it is not valid any more: {EXPIRES}. Without it, never.",
)
@click.option(
    "--note", callback=_checked(note_fault), metavar="TEXT", help="What it is for, for people."
)
@json_option
@help_option
def add(
    file: Path,
    principal: str,
    expires: datetime | None,
    note: str | None,
    as_json: bool,
    **rights: tuple[str, ...],
) -> None:
    """
    Make a token, put its hash into FILE, and print it: this once, and never again.

    Without rights it could do nothing, so it must get one at least. A FILE that is not
    there is made.
    """
    granted = {Right(right): prefixes for right, prefixes in rights.items() if prefixes}
    if not granted:
        raise click.UsageError(f"expected one of {', '.join(f'--{right}' for right in Right)}")
    text = make_token(secrets.token_bytes(SECRET_BYTES))
    entry = Entry(
        sha256=digest_of(text),
        principal=Principal(principal, granted),
        created=utc_now(),
        expires=expires,
        note=note,
    )
    change_token_file(file, lambda tokens: tokens.with_one_more(entry), may_be_new=True)
    try:
        if as_json:
            print_value({**_json_of(entry), "token": text})
        else:
            print_line(text)
        flush()
    except BaseException:
        # Nobody has seen it, and it cannot be shown again.
        change_token_file(file, lambda tokens: tokens.without(entry.id))
        raise
    _warn(file)


@token.command("list", add_help_option=False)
@file_argument
@json_option
@help_option
def list_(file: Path, as_json: bool) -> None:
    """List the tokens of FILE: id, principal, rights, when they expire, note."""
    tokens, _ = read_token_file(file)
    now = utc_now()
    for entry in tokens.entries:
        if as_json:
            print_value(_json_of(entry))
        else:
            print_line(_line_of(entry, now))
    _warn(file)


@token.command(add_help_option=False)
@file_argument
@click.argument("token_id", metavar="ID")
@json_option
@help_option
def revoke(file: Path, token_id: str, as_json: bool) -> int:
    """
    Take the token with this ID out of FILE.

    A gateway that uses FILE closes the connections that were opened with it, at most two
    seconds later.
    """
    revoked: list[Entry] = []

    def without(tokens: TokenSet) -> TokenSet:
        entry = tokens.get(token_id)
        if entry is None:
            return tokens
        revoked.append(entry)
        return tokens.without(token_id)

    change_token_file(file, without)
    if not revoked:
        complain(f"{file}: expected the token {shown(redacted(token_id))}, found none with this id")
        return WRONG
    (entry,) = revoked
    if as_json:
        print_value(_json_of(entry))
    else:
        print_line(f"{entry.id}  {entry.principal.name}  revoked")
    _warn(file)
    return DONE


def _warn(file: Path) -> None:
    _, mode = read_token_file(file)
    if (complaint := permissions_fault(mode)) is not None:
        complain(f"{file}: {complaint}")


def _line_of(entry: Entry, now: datetime) -> str:
    words = [entry.id, entry.principal.name]
    for right, prefixes in entry.principal.shown().items():
        words.append(" ".join([right, *(f'"{prefix}"' for prefix in prefixes)]))
    if entry.expires is None:
        words.append("never expires")
    else:
        verb = "expired" if entry.has_expired(now) else "expires"
        words.append(f"{verb} {time_text(entry.expires)}")
    if entry.note is not None:
        words.append(entry.note)
    return "  ".join(words)


def _json_of(entry: Entry) -> dict[str, object]:
    return {
        "id": entry.id,
        "principal": entry.principal.name,
        "rights": entry.principal.shown(),
        "created": time_text(entry.created),
        "expires": None if entry.expires is None else time_text(entry.expires),
        "note": entry.note,
    }
