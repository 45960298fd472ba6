"""Which records are looked at."""

from __future__ import annotations

from typing import final

import attrs

from atomic_store.filter import Filter


@final
@attrs.frozen
class Which:
    """Records of all scopes, of one, or of those that begin alike; filtered, or not."""

    scope: str | None = None
    """One scope; not together with `prefix`."""
    prefix: str = ""
    """What the scopes' names begin with."""
    where: Filter | None = None
    """Only records that match."""

    @property
    def is_all(self) -> bool:
        """Every record of the store: the n-th of them is the one at position n."""
        return self.scope is None and not self.prefix and self.where is None

    @property
    def is_whole_scope(self) -> bool:
        """Every record of one scope: the n-th of them has sequence n."""
        return self.scope is not None and self.where is None
