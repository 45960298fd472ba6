"""Questions, and looks that go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, final

import attrs

from ...protocol import client_messages as asked
from ...protocol import server_messages as said
from .call import Call, Context, Stirred, out_of_place


@final
@attrs.define(eq=False)
class Asking(Call):
    """A question with an answer of some messages; it may be asked any number of times."""

    ask: Callable[[int], asked.Request]
    """Makes the request of an id."""
    answers: type[said.ServerMessage] | None = None
    """What the answer consists of, until it is done."""
    found: list[Any] = attrs.field(factory=list, init=False)

    def request(self, id: int, context: Context) -> asked.Request:  # noqa: A002 - as on the wire
        """Ask it."""
        return self.ask(id)

    def take(self, message: said.ServerMessage, context: Context) -> None:
        """Take a part of the answer."""
        if self.answers is None or not isinstance(message, self.answers):
            raise out_of_place(self, message)
        self.found.append(message)

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

    def request(self, id: int, context: Context) -> asked.Scopes:  # noqa: A002 - as on the wire
        """Ask for all of them, and then for what changes."""
        return asked.Scopes(id=id, prefix=self.prefix, watch=True)

    def take(self, message: said.ServerMessage, context: Context) -> None:
        """Take scopes that changed."""
        if not isinstance(message, said.ScopesShown):
            raise out_of_place(self, message)
        self._remember(message.scopes)
        context.report(Stirred(self))

    def _remember(self, scopes: Iterable[said.ScopeShown]) -> None:
        for scope in scopes:
            self.changed[scope.scope] = scope
