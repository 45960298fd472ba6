"""Who may come in to a gateway, and how it is found out whether one may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import trio

from atomic_store.gateway.access import Known
from atomic_store.gateway.protocol.rights import Principal, Right
from gateway_raw import Hosted
from token_files import token

EVERYWHERE = dict.fromkeys(Right, ("",))
IN_LOTS = dict.fromkeys(Right, ("lot/",))
ADA, BEN = token(1), token(2)


@attrs.define(eq=False)
class Guests:
    """Tokens that count, as long as they are on the list."""

    known: dict[str, Known] = attrs.Factory(dict)
    _changed: Callable[[], None] | None = None

    def invite(self, secret: str, name: str, rights: Any = EVERYWHERE) -> None:
        """Put somebody on the list, or give him other rights."""
        self.known[secret] = Known(f"id-{secret}", Principal(name, rights), None)
        self.tell()

    def revoke(self, secret: str) -> None:
        """Take somebody from the list."""
        del self.known[secret]
        self.tell()

    def tell(self) -> None:
        """Say that the list has changed."""
        if self._changed is not None:
            self._changed()

    def lookup(self, token: str) -> Known | None:
        return self.known.get(token)

    def still_valid(self, id: str) -> Principal | None:  # noqa: A002 - as the protocol calls it
        found = [one.principal for one in self.known.values() if one.id == id]
        return found[0] if found else None

    async def watch(
        self,
        on_change: Callable[[], None],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        self._changed = on_change
        task_status.started()
        await trio.sleep_forever()


def ada_and_ben() -> Guests:
    """Ada, who may do all, and Ben, who may do all in the lots."""
    invited = Guests()
    invited.invite(ADA, "ada")
    invited.invite(BEN, "ben", IN_LOTS)
    return invited


async def refused(host: Hosted, /, **options: Any) -> int | None:
    """Connect, say hello, and hear by which code one is not let in; None if one is."""
    said = {"token": options.pop("token")} if "token" in options else {}
    async with host.open(**options) as raw:
        await raw.say("hello", **said)
        heard = await raw.hear()
        assert ADA not in raw.close_reason
        assert BEN not in raw.close_reason
        return raw.close_code if heard is None else None
