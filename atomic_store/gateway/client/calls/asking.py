"""Questions, and looks that go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, final

import attrs

from ...protocol import client_messages as asked
from ...protocol import server_messages as said
from .call import Call, Context, Stirred, out_of_place

LAST_NAME: Final = "\U0010ffff"
"""Behind it there are no scopes that anybody has."""


@final
@attrs.define(eq=False)
class Asking(Call):
    """A question with an answer of some messages; it may be asked any number of times."""

    ask: Callable[[int], asked.Request]
    """Makes the request of an id."""
    answers: type[said.ServerMessage] | None = None
    """What the answer consists of, until it is done."""
    tells_parts: bool = False
    """Whether the caller is told of each part."""
    found: list[Any] = attrs.field(factory=list, init=False)

    def request(self, id: int, context: Context) -> asked.Request:  # noqa: A002 - as on the wire
        """Ask it."""
        return self.ask(id)

    def take(self, message: said.ServerMessage, context: Context) -> None:
        """Take a part of the answer."""
        if self.answers is None or not isinstance(message, self.answers):
            raise out_of_place(self, message)
        self.found.append(message)
        if self.tells_parts:
            context.report(Stirred(self))

    def lost(self, context: Context) -> None:
        """A half answer is none."""
        self.found.clear()


@final
@attrs.define(eq=False)
class Watching(Call):
    """A look at scopes that goes on: of each, the latest that is not taken yet."""

    is_endless: ClassVar[bool] = True

    prefix: str
    changed: dict[str, said.ScopeShown] = attrs.field(factory=dict, init=False)
    is_new: bool = attrs.field(default=True, init=False)
    """What did not change since the connection was made is to be asked for."""

    def request(self, id: int, context: Context) -> asked.Scopes:  # noqa: A002 - as on the wire
        """Ask for what changes; a page of what there is comes first, and is left empty."""
        return asked.Scopes(id=id, prefix=self.prefix, after=LAST_NAME, limit=1, watch=True)

    def take(self, message: said.ServerMessage, context: Context) -> None:
        """Take scopes that changed."""
        if not isinstance(message, said.ScopesShown):
            raise out_of_place(self, message)
        self.changed |= {scope.scope: scope for scope in message.scopes}
        context.report(Stirred(self))

    def lost(self, context: Context) -> None:
        """What changes until the next connection is not told."""
        self.is_new = True
        self.changed.clear()
        context.report(Stirred(self))
