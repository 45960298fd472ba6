"""What operators ask for: figures, that a round ends, that the store is checked."""

from __future__ import annotations

from typing import Any

import trio

from ...intake import check_scope
from ...journal import Head
from ...journal.verify import Damage, Verification
from ...reading import OnProgress
from ..protocol import client_messages as asked
from ..protocol import server_messages as said
from ..protocol.codes import ErrorCode
from .asking import answer_of, ask
from .calls import Asking, Stirred
from .errors import GatewayError
from .link import Link


async def figures_of(link: Link) -> dict[str, Any]:
    """Give the gateway's figures by name; see `Client.stats`."""
    await trio.lowlevel.checkpoint()
    number = link.conversation.new_number()
    call = Asking(lambda id_: asked.Stats(id=id_), said.StatsShown, number=number)
    await ask(link, call)
    figures: dict[str, Any] = {}
    for message in call.found:
        figures |= message.figures
    return figures


async def end_round(link: Link, scope: str, token: str) -> None:
    """End somebody's round; see `Client.end_round`."""
    check_scope(scope)
    await trio.lowlevel.checkpoint()
    number = link.conversation.new_number()
    await ask(
        link,
        Asking(lambda id_: asked.EndRound(id=id_, scope=scope, round=token), number=number),
    )


async def verify(link: Link, on_progress: OnProgress | None) -> said.Verified:
    """Have the whole store checked; see `Client.verify`."""
    await trio.lowlevel.checkpoint()
    number = link.conversation.new_number()
    call = Asking(
        lambda id_: asked.Verify(id=id_), said.Verified, tells_parts=True, number=number
    )  # fmt: skip
    with link.calling(call) as box:
        while isinstance(happening := await box.next(), Stirred):
            # All but the last one of them say no more than how far it is.
            if call.found and on_progress is not None:
                on_progress(call.found[-1].checked_bytes, call.found[-1].total_bytes)
            del call.found[:-1]
    answer_of(happening)
    verified: said.Verified | None = call.found[-1] if call.found else None
    if verified is None or verified.damage is None:
        what = "expected the gateway to say what it found in the store, found that it did not"
        raise GatewayError(str(ErrorCode.INTERNAL), what)
    return verified


def verification_of(told: said.Verified) -> Verification:
    """
    Give what a gateway has found as if it had been found here.

    It does not tell how many segments and scopes there are: both are 0.
    """
    damage = [
        Damage(
            str(one.get("file", "")), _whole(one.get("offset")) or 0, _whole(one.get("line")),
            str(one.get("expected", "")), str(one.get("found", "")),
        )
        for one in told.damage or ()
    ]  # fmt: skip
    records = told.records or 0
    head = Head(records, told.commit or "")
    return Verification(records, 0, 0, told.checked_bytes, head, (), tuple(damage))


def _whole(value: object) -> int | None:
    return value if type(value) is int else None
