"""The tokens that a gateway goes by: those of a file, which may change while it runs."""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol, final

import attrs
import trio

from ...journal.clock import Clock, utc_now
from ..protocol.rights import Principal
from .token_text import FILE_BYTES_MAX, BadTokenFile, parse
from .tokens import Known, TokenSet

_logger = logging.getLogger("atomic_store.gateway")

POLL_S: Final = 1.0
"""How often the file is looked at; what has changed in it counts within twice that."""


@final
@attrs.frozen
class Content:
    """What lies in a token file."""

    text: bytes = attrs.field(repr=False)
    mode: int
    """Who may do what with it: the permission bits."""


class Source(Protocol):
    """Where the text of a token file comes from."""

    @property
    def uses_threads(self) -> bool:
        """Whether reading may block, and so is done in a thread."""
        ...

    def read(self) -> Content:
        """
        Read all of it, or one byte more than there may be.

        Raises:
          OSError: it cannot be read.
        """
        ...


@final
@attrs.frozen
class FileSource:
    """A regular file, or a link to one: links are how secrets are mounted."""

    path: Path

    @property
    def uses_threads(self) -> bool:
        """Reading blocks."""
        return True

    def read(self) -> Content:
        """Read all of it, or one byte more than there may be."""
        # Without O_NONBLOCK, opening a FIFO would wait for its other end.
        file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            mode = os.fstat(file).st_mode
            if not stat.S_ISREG(mode):
                what = "expected a regular file, found something else"
                raise OSError(errno.EINVAL, what, str(self.path))
            with os.fdopen(file, "rb", closefd=False) as opened:
                return Content(opened.read(FILE_BYTES_MAX + 1), stat.S_IMODE(mode))
        finally:
            os.close(file)


@final
@attrs.frozen
class _Version:
    """What a look at the file found."""

    mark: bytes | str
    """What tells it from another one: its hash, or why it could not be read."""
    tokens: TokenSet | None = None
    problem: str | None = None
    mode: int = 0o600


@final
@attrs.define(eq=False)
class TokenFile:
    """
    The tokens of a file; see `Tokens`.

    It is read when this is made, which blocks, and must then be good. Later the whole of it
    is read every `POLL_S` seconds: it is small, and its bytes tell more reliably whether it
    has changed than size and times do. A version that is damaged, or that is not there, is
    logged, and the tokens before it stay in force: revoke them one by one, or write a file
    with none.

    Args:
      path: where the file is.
      now: tells the time.
      source: reads in its place, for tests.

    Raises:
      BadTokenFile: there is something else.
      OSError: it cannot be read.
    """

    path: Path = attrs.field(converter=Path)
    _now: Clock = attrs.field(default=utc_now, repr=False, alias="now")
    _source: Source = attrs.field(
        default=attrs.Factory(lambda self: FileSource(self.path), takes_self=True),
        repr=False,
        alias="source",
    )
    _tokens: TokenSet = attrs.field(init=False, repr=False)
    _mark: bytes | str = attrs.field(init=False, repr=False)
    _valid: dict[str, Known] = attrs.field(init=False, repr=False, factory=dict)
    """Those that counted at the last look. Questions do not go by it, but by the time."""
    _next_expiry: datetime | None = attrs.field(init=False, repr=False, default=None)

    def __attrs_post_init__(self) -> None:
        content = self._source.read()
        self._tokens = parse(content.text, str(self.path))
        self._mark = sha256(content.text).digest()
        self._look_at_clock()
        self._warn(content.mode)

    def lookup(self, token: str) -> Known | None:
        """Whose token this is; None if it is nobody's, or has expired."""
        return self._tokens.lookup(token, self._now())

    def still_valid(self, id: str) -> Principal | None:  # noqa: A002 - as the file calls it
        """Whom the token with this id stands for by now; None if it counts no more."""
        return self._tokens.still_valid(id, self._now())

    async def watch(
        self,
        on_change: Callable[[], None],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """
        Call back whenever other tokens are valid than before, until cancelled.

        Args:
          on_change: asks `still_valid` for each open connection. Must not raise.
          task_status: told when changes will be noticed.

        Checkpoints: always.
        Cancellation: ends it; the tokens that counted last stay in force.
        """
        async with trio.open_nursery() as nursery:
            # Two tasks: a disk that hangs does not keep tokens from expiring.
            nursery.start_soon(self._follow_file, on_change)
            nursery.start_soon(self._follow_clock, on_change)
            task_status.started()

    async def _follow_file(self, on_change: Callable[[], None]) -> None:
        # Its own, so that a disk that hangs keeps none of the threads that others need.
        limiter = trio.CapacityLimiter(1)
        while True:
            if self._source.uses_threads:
                version = await trio.to_thread.run_sync(
                    self._look, self._mark, abandon_on_cancel=True, limiter=limiter
                )
            else:
                version = self._look(self._mark)
            if version is not None and self._take(version) and self._look_at_clock():
                on_change()
            await trio.sleep(POLL_S)

    async def _follow_clock(self, on_change: Callable[[], None]) -> None:
        while True:
            await trio.sleep(POLL_S)
            is_due = self._next_expiry is not None and self._next_expiry <= self._now()
            if is_due and self._look_at_clock():
                on_change()

    def _look(self, mark: bytes | str) -> _Version | None:
        """Read the file, in a thread; None if it is as it was."""
        try:
            content = self._source.read()
            found = sha256(content.text).digest()
            if found == mark:
                return None
            tokens = parse(content.text, str(self.path))
        except BadTokenFile as error:
            problem = str(error)
        except OSError as error:
            problem = f"{self.path}: {error.strerror or error}"
        else:
            return _Version(found, tokens, mode=content.mode)
        return None if problem == mark else _Version(problem, problem=problem)

    def _take(self, version: _Version) -> bool:
        """Let a version count from now on, if it is good."""
        self._mark = version.mark
        if version.tokens is None:
            _logger.error("%s; the tokens that were read before stay in force", version.problem)
            return False
        self._tokens = version.tokens
        _logger.info("%s: %d tokens are in force", self.path, len(version.tokens.entries))
        self._warn(version.mode)
        return True

    def _look_at_clock(self) -> bool:
        """See which tokens count now; whether they are others than before."""
        now = self._now()
        before, self._valid = self._valid, self._tokens.valid(now)
        self._next_expiry = self._tokens.next_expiry(now)
        return self._valid != before

    def _warn(self, mode: int) -> None:
        if complaint := permissions_fault(mode):
            _logger.warning("%s: %s", self.path, complaint)


def permissions_fault(mode: int) -> str | None:
    """Why these permissions of a token file are too wide; None if they are not."""
    if mode & 0o077 == 0:
        return None
    # Whoever can write to it can let himself in.
    what = "change it" if mode & 0o022 else "read it"
    return f"expected a file of its owner alone, mode 600, found mode {mode:o}: others can {what}"
