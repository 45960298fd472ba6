"""Records as users see them, and the past of a scope as an immutable sequence of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import Any, Generic, TypeVar, final, overload
from uuid import UUID

import msgspec

from . import jsonvalue
from .events import EventTypes
from .journal.record import StoredRecord

E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)
T = TypeVar("T")

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@final
class Record(msgspec.Struct, Generic[E_co], eq=False, gc=False):
    """
    An admitted event as it is stored. Immutable.

    The event is decoded from its stored bytes when it is first asked for. It is kept
    and shared between readers only if its class is frozen; otherwise every access
    gives a new object.
    """

    # A struct without garbage collection, for the same reason as StoredRecord: a scope's
    # past is made of them. What they refer to never refers back.
    _stored: StoredRecord
    _types: EventTypes
    _event: Any = None

    @property
    def position(self) -> int:
        """Its place in the store, from 1, gapless."""
        return self._stored.position

    @property
    def sequence(self) -> int:
        """Its place in the scope, from 1, gapless."""
        return self._stored.sequence

    @property
    def scope(self) -> str:
        """The scope that it belongs to."""
        return self._stored.scope

    @property
    def proposal_id(self) -> UUID:
        """The proposal that it came from."""
        return UUID(self._stored.id)

    @property
    def at(self) -> datetime:
        """When it was admitted, in UTC; never earlier than a record before it."""
        return datetime.fromisoformat(self._stored.at)

    @property
    def type(self) -> str:
        """The stored name of the event's type."""
        return self._stored.type

    @property
    def version(self) -> int:
        """The version of the type's schema."""
        return self._stored.version

    @property
    def part(self) -> tuple[int, int]:
        """``(k, n)``: the k-th of the n records of one decision."""
        return self._stored.part or (1, 1)

    @property
    def data(self) -> bytes:
        """The event as it is stored: JSON text in UTF-8."""
        return self._stored.data

    @property
    def event(self) -> E_co:
        """
        The event.

        Raises:
          InvalidEvent: the store's event types do not have one that reads it.
        """
        event = self._event
        if event is None:
            stored = self._stored
            event = self._types.decode(stored.type, stored.version, stored.data)
            if self._types.is_shared(stored.type):
                self._event = event
        return event  # type: ignore[no-any-return]  # E_co is known to the caller alone

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the proposer gave along; empty if nothing."""
        raw = self._stored.metadata
        return _NOTHING if raw is None else jsonvalue.decode(raw)  # type: ignore[return-value]  # checked when stored

    @property
    def meta(self) -> Any:
        """What the decision gave along, on its first record; None if nothing."""
        raw = self._stored.meta
        return None if raw is None else jsonvalue.decode(raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self._stored == other._stored

    def __ne__(self, other: object) -> bool:
        # A struct has its own, which compares identities.
        return not self == other

    def __hash__(self) -> int:
        return hash((self._stored.position, self._stored.data))

    def __repr__(self) -> str:
        stored = self._stored
        return (
            f"<Record {stored.position}: {stored.scope!r} {stored.sequence}, "
            f"{stored.type} {stored.data.decode()}>"
        )


class _Past(Sequence[T]):
    """
    The first `count` of a list that only ever grows, in O(1).

    Invariant: nobody changes or removes an item of that list.
    """

    __slots__ = ("_count", "_records")

    def __init__(self, records: Sequence[Record[Any]], count: int) -> None:
        assert 0 <= count <= len(records)
        self._records = records
        self._count = count

    def _item(self, record: Record[Any]) -> T:
        raise AssertionError("each kind of past says what its items are")

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        return map(self._item, islice(self._records, self._count))

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...

    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(self._count)))
        place = index + self._count if index < 0 else index
        if not 0 <= place < self._count:
            raise IndexError(f"expected an index below {self._count}, found {index}")
        return self._item(self._records[place])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # it equals lists, which have none

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, islice(self, 5)))
        return f"<{self._count} past: {shown}{', …' if self._count > 5 else ''}>"


@final
class PastEvents(_Past[E]):
    """The events of a scope up to some sequence: an immutable sequence, in order."""

    __slots__ = ()

    def _item(self, record: Record[Any]) -> E:
        return record.event  # type: ignore[no-any-return]  # E is known to the caller alone


@final
class PastRecords(_Past[Record[E]]):
    """The records of a scope up to some sequence: an immutable sequence, in order."""

    __slots__ = ()

    def _item(self, record: Record[Any]) -> Record[E]:
        return record
