"""What can go wrong before there is a source, or because of what it is asked."""

from __future__ import annotations

from atomic_store.errors import AtomicStoreError


class NotAPlace(AtomicStoreError, ValueError):
    """
    Nothing that can be looked at has this name: it is no path, and no URL of a gateway.

    Unlike `NotAStore`, it was not looked for at all.
    """


class NotATime(AtomicStoreError, ValueError):
    """This text is no time."""


class CannotDo(AtomicStoreError, RuntimeError):
    """
    A source was asked for what it cannot do.

    `Source.features` tells before.
    """
