"""Having questions answered."""

from __future__ import annotations

from ..protocol import client_messages as asked
from ..protocol import server_messages as said
from .calls import Asking, Ended, Happening
from .errors import refusal
from .link import Link

SCOPES_MAX = 500
"""How many scopes are asked for at a time."""


async def ask(link: Link, call: Asking, where: str | None = None) -> said.Done:
    """
    Have a question answered; what was found is in the call.

    Args:
      where: the filter that is sent along.

    Checkpoints: always. Cancellation: nobody waits for the answer any more.

    Raises:
      FilterError, GatewayError: it was refused.
      GatewayClosed: the client has stopped.
    """
    with link.calling(call) as box:
        happening = await box.next()
    return answer_of(happening, where)


def answer_of(happening: Happening, where: str | None = None) -> said.Done:
    """
    Give how the gateway ended its answer.

    Raises:
      FilterError, GatewayError: it refused.
    """
    assert isinstance(happening, Ended)
    if isinstance(happening.answer, said.Error):
        raise refusal(happening.answer, may_be_stored=False, where=where)
    assert isinstance(happening.answer, said.Done)
    return happening.answer


async def scopes_page(
    link: Link, prefix: str, after: str | None, limit: int
) -> tuple[list[said.ScopeShown], bool]:
    """Give the next scopes by name, and whether they are the last ones; see `ask`."""
    count = min(limit, SCOPES_MAX)
    call = Asking(
        lambda id_: asked.Scopes(id=id_, prefix=prefix, after=after, limit=count),
        said.ScopesShown,
        number=link.conversation.new_number(),
    )
    done = await ask(link, call)
    page = [one for message in call.found for one in message.scopes]
    return page, done.next is None or not page
