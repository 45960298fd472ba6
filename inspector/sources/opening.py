"""Opening what somebody has named: a store's directory, or a gateway's URL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from atomic_store.errors import shown

from .errors import NotAPlace
from .lasting import open_directory
from .looking import is_text
from .source import OnProgress, Source, nobody_looks

GATEWAY_SCHEMES = ("ws", "wss")
_HINTS = {"http": "ws", "https": "wss"}


def open_source(
    place: str, *, token: str | None = None, on_progress: OnProgress = nobody_looks
) -> AbstractAsyncContextManager[Source]:
    """
    Open what is to be looked at, for a block.

    Args:
      place: a store's directory, or the URL of a gateway (``ws://…`` or ``wss://…``).
      token: says who we are to a gateway; a directory needs none.
      on_progress: is called in a thread while a damaged store is read, with how many bytes
        were, of how many.

    Raises:
      NotAPlace: `place` is neither, or the token is no text.
      NotAStore: there is no store in the directory, or one of a later version.
      JournalFailed: the disk refused.
      ConnectionLost: nobody answers at the URL.
      GatewayClosed: the gateway refused us: the token is wrong, say.
      BaseException: whatever the block raises, as itself.

    Checkpoints: on entering and on leaving. Cancellation: may be cancelled while it opens.
    """
    scheme, colon, _ = place.partition("://")
    if not colon or not scheme.isalnum():
        return _open_path(place, on_progress)
    if scheme.lower() in GATEWAY_SCHEMES:
        return _open_url(place, token)
    instead = _HINTS.get(scheme.lower())
    hint = "" if instead is None else f"; is it {instead}://…?"
    raise NotAPlace(
        f"expected a store's directory, or a gateway's URL with ws:// or wss://, "
        f"found one with {shown(scheme)}://{hint}"
    )


def shown_url(url: str) -> str:
    """
    Give a URL as it may be shown: without a name, a password or what may be a token.

    Raises:
      ValueError: it is none.
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def path_of(place: str) -> str:
    """
    Give the path that somebody has written, with ``~`` for his own directory.

    Raises:
      NotAPlace: it is none.
    """
    try:
        place.encode("utf-8", "surrogateescape")
        path = str(Path(place).expanduser())
    except (ValueError, RuntimeError):
        path = "\0"
    if not place or "\0" in path:
        raise NotAPlace(f"expected a store's directory or a gateway's URL, found {shown(place)}")
    return path


@asynccontextmanager
async def _open_path(place: str, on_progress: OnProgress) -> AsyncIterator[Source]:
    async with open_directory(path_of(place), on_progress=on_progress) as source:
        yield source


@asynccontextmanager
async def _open_url(url: str, token: str | None) -> AsyncIterator[Source]:
    try:
        # It needs an extra, which whoever looks at files need not have.
        from atomic_store.gateway.client.websocket import address_of

        from .gateway import open_gateway_source
    except ImportError as error:
        raise NotAPlace(
            'a gateway needs what `pip install "trio-atomic-store[gateway]"` brings along '
            f"({error})"
        ) from None
    if token is not None and not is_text(token):
        raise NotAPlace("a gateway's token: expected valid Unicode, found a lone surrogate")
    try:
        place = shown_url(url)
        address_of(url)
    except ValueError as error:
        raise NotAPlace(f"a gateway's {error}" if "url:" in str(error) else str(error)) from None
    async with open_gateway_source(url, token=token, place=place) as source:
        yield source
