"""Where a store is: a directory, or behind the URL of a gateway."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final
from urllib.parse import urlsplit

import attrs
import click

from ..errors import shown
from ..reader import Reader, open_reader
from .arguments import store_at
from .ending import CannotRun

if TYPE_CHECKING:
    from ..gateway import Client

TOKEN_VARIABLE: Final = "ATOMIC_STORE_TOKEN"
TOKEN_BYTES_MAX: Final = 1_024
SCHEMES: Final = ("ws", "wss")

Looked: TypeAlias = "Reader[Any] | Client[Any]"
"""What both can be asked: records, scopes, subscriptions."""


@final
@attrs.frozen
class Place:
    """Where a store is."""

    name: str
    """As it may be shown: without what may be a secret."""
    directory: Path | None
    url: str | None = attrs.field(default=None, repr=False)


def _place(context: click.Context, parameter: click.Parameter, value: str) -> Place:
    scheme, colon, _ = value.partition("://")
    if not colon or not scheme.isalnum():
        return Place(value, store_at(value))
    if scheme.lower() not in SCHEMES:
        raise click.BadParameter(
            f"expected a directory, or a URL with ws:// or wss://, found one with {scheme}://"
        )
    try:
        parts = urlsplit(value)
        return Place(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}", None, value)
    except ValueError as error:
        raise click.BadParameter(f"expected a URL, found {shown(value)} ({error})") from None


place_argument = click.argument("store", callback=_place)
token_file_option = click.option(
    "--token-file",
    type=click.Path(),
    metavar="FILE",
    help="Come in to a gateway with the token in this file. Without it, with the one in the "
    f"environment variable {TOKEN_VARIABLE}, if there is one.",
)


def token_of(token_file: str | None, environ: Mapping[str, str]) -> str | None:
    """
    Give the token to come in with; None if there is none.

    Raises:
      CannotRun: there is none where one should be. What is there is not shown.
    """
    if token_file is None:
        return environ.get(TOKEN_VARIABLE) or None
    with Path(token_file).open("rb") as file:
        found = file.read(TOKEN_BYTES_MAX + 1)
    token = found.strip().decode("ascii", "replace")
    if not token or len(found) > TOKEN_BYTES_MAX or not token.isascii() or len(token.split()) != 1:
        raise CannotRun(f"{token_file}: expected a token and nothing else, found something else")
    return token


def refuse_token(place: Place, token_file: str | None) -> None:
    """Refuse a token where nobody would look at it."""
    if token_file is not None and place.url is None:
        raise click.UsageError("--token-file is for a gateway: expected its URL as STORE")


@asynccontextmanager
async def open_place(
    place: Place, token_file: str | None = None, *, events: Any = None
) -> AsyncIterator[Looked]:
    """
    Open what is to be read, for a block.

    Args:
      events: as for `open_reader`.

    Raises:
      CannotRun: what a gateway needs is not installed, or the token is none.
      AtomicStoreError: it does not open.
    """
    if place.directory is not None:
        async with open_reader(place.directory, events=events) as reader:
            yield reader
        return
    async with open_at_gateway(place, token_file, events=events) as client:
        yield client


@asynccontextmanager
async def open_at_gateway(
    place: Place, token_file: str | None, *, events: Any = None
) -> AsyncIterator[Client[Any]]:
    """Open a client of the gateway at a place; see `open_place`."""
    assert place.url is not None
    try:
        from ..gateway import open_client
    except ImportError as error:
        raise CannotRun(
            'a gateway needs what `pip install "trio-atomic-store[gateway]"` brings along '
            f"({error})"
        ) from None
    token = token_of(token_file, os.environ)
    try:
        opening = open_client(place.url, token=token, events=events, name="atomic-store")
    except ValueError as error:
        raise CannotRun(str(error)) from None
    async with opening as client:
        yield client


async def last_position(looked: Looked, scope: str | None, prefix: str | None) -> int:
    """Give the last position that there is; of a gateway, of what is asked for."""
    if isinstance(looked, Reader):
        return (await looked.refresh()).position
    last = await looked.read(scope=scope, prefix=prefix, reverse=True, limit=1).page()
    return last[0].position if last else 0
