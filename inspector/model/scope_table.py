"""
All scopes of a store, very many: filtered, sorted, and changing.

What is known of a scope is spread over arrays, one for each kind of thing, so that 100,000
scopes take some 25 MB. What changes is seen at once in its row; where rows stand changes
only when that is asked for, so that nothing jumps about and no batch costs a sort.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import islice
from typing import Final, TypeVar, final

import attrs

from atomic_store.journal.clock import timestamp

from .rates import Rates, sparkline
from .scope_seen import Round, ScopeSeen, State

T = TypeVar("T")


class Order(Enum):
    """What scopes can be sorted by."""

    NAME = "name"
    EVENTS = "events"
    ACTIVITY = "activity"
    RATE = "rate"
    STATE = "state"
    WAITING = "waiting"

    @property
    def begins_high(self) -> bool:
        """Whether people want the highest first: of everything but names."""
        return self is not Order.NAME


# From what is least to what is most worth looking at.
_STATES: Final = (State.UNKNOWN, State.IDLE, State.AVAILABLE, State.VALIDATING)
_RANKS: Final = {state: rank for rank, state in enumerate(_STATES)}

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
)
_NUMBER_MAX: Final = 2**63 - 1


@final
@attrs.define(eq=False)
class ScopeTable:
    """
    The scopes, in the order that is wanted.

    A scope has a row number for good, in the order in which scopes came; its index says
    where it stands now. Only `refresh` changes where scopes stand. Times are seconds on one
    clock that never goes back.
    """

    _order: Order = attrs.field(default=Order.NAME, init=False)
    _is_reverse: bool = attrs.field(default=False, init=False)
    _needle: str = attrs.field(default="", init=False)

    # Each by row.
    _names: list[str] = attrs.field(factory=list, init=False)
    _folded: list[str] = attrs.field(factory=list, init=False)
    _sequences: array[int] = attrs.field(factory=lambda: array("Q"), init=False)
    _positions: array[int] = attrs.field(factory=lambda: array("Q"), init=False)
    _times: array[int] = attrs.field(factory=lambda: array("q"), init=False)
    _waiting: array[int] = attrs.field(factory=lambda: array("Q"), init=False)
    _states: bytearray = attrs.field(factory=bytearray, init=False)
    _rates: Rates = attrs.field(factory=Rates, init=False)
    # What few rows have.
    _rounds: dict[int, Round] = attrs.field(factory=dict, init=False)
    _odd_times: dict[int, str] = attrs.field(factory=dict, init=False)

    _rows: dict[str, int] = attrs.field(factory=dict, init=False)
    # Invariant: `_by_name` has the rows that were there at the last refresh, by name;
    # `_matching` those of them that match, by name too; `_shown` the same as they stand.
    _by_name: list[int] = attrs.field(factory=list, init=False)
    _matching: list[int] = attrs.field(factory=list, init=False)
    _shown: list[int] = attrs.field(factory=list, init=False)
    _is_stale: bool = attrs.field(default=False, init=False)
    """Rows may stand elsewhere, or be more or fewer, after a refresh."""

    @property
    def count(self) -> int:
        """How many scopes are shown."""
        return len(self._shown)

    @property
    def total(self) -> int:
        """How many scopes there are."""
        return len(self._names)

    @property
    def is_stale(self) -> bool:
        """Whether a refresh would change what stands where."""
        return self._is_stale

    @property
    def order(self) -> tuple[Order, bool]:
        """What scopes are sorted by, and whether the highest is first."""
        return self._order, self._is_reverse

    # --- what is seen ------------------------------------------------------------------

    def update(self, scopes: Iterable[ScopeSeen], now_s: float) -> None:
        """Learn of scopes: new ones, which show after a refresh, and changes to others."""
        for seen in scopes:
            row = self._rows.get(seen.scope)
            if row is None:
                self._add(seen)
                continue
            new = seen.sequence - self._sequences[row]
            if new > 0:
                self._rates.count(row, new, now_s)
            self._is_stale |= self._moves(row, seen)
            self._set(row, seen)

    def _add(self, seen: ScopeSeen) -> None:
        row = len(self._names)
        folded = seen.scope.casefold()
        self._rows[seen.scope] = row
        self._names.append(seen.scope)
        # Mostly they are equal: then there is only one.
        self._folded.append(seen.scope if folded == seen.scope else folded)
        for values in (self._sequences, self._positions, self._times, self._waiting):
            values.append(0)
        self._states.append(0)
        self._rates.add_row()
        self._set(row, seen)
        self._is_stale = True

    def _set(self, row: int, seen: ScopeSeen) -> None:
        self._sequences[row] = _whole(seen.sequence)
        self._positions[row] = _whole(seen.position)
        self._waiting[row] = _whole(seen.waiting)
        self._states[row] = _RANKS[seen.state]
        _put(self._rounds, row, seen.round)
        moment = _microseconds(seen.at)
        self._times[row] = moment or 0
        _put(self._odd_times, row, seen.at if moment is None else None)

    def _moves(self, row: int, seen: ScopeSeen) -> bool:
        """Whether a scope may stand elsewhere after this."""
        match self._order:
            case Order.NAME:
                return False
            case Order.STATE:
                return self._states[row] != _RANKS[seen.state]
            case Order.WAITING:
                return self._waiting[row] != seen.waiting
        return self._positions[row] != seen.position

    # --- what is wanted ----------------------------------------------------------------

    def sort(self, order: Order, *, reverse: bool) -> None:
        """Have scopes sorted otherwise, after a refresh; those that are equal, by name."""
        self._is_stale |= (order, reverse) != (self._order, self._is_reverse)
        self._order, self._is_reverse = order, reverse

    def filter(self, text: str) -> None:
        """Show only scopes with this text in their names, at once; case does not matter."""
        needle = text.casefold()
        if needle == self._needle:
            return
        # Whoever types on looks for fewer.
        rows = self._matching if self._needle in needle else self._by_name
        self._needle = needle
        self._matching = self._matches(rows)
        self._shown = self._sorted(self._matching)

    def refresh(self, now_s: float) -> bool:
        """Let scopes stand where they should now; say whether any may stand elsewhere."""
        if self._rates.go_on(now_s) and self._order is Order.RATE:
            self._is_stale = True
        if not self._is_stale:
            return False
        if len(self._by_name) < len(self._names):
            # Rows are in their order in `_rows`. Those that were sorted before are one long
            # run: little is left to do.
            self._by_name += islice(self._rows.values(), len(self._by_name), None)
            self._by_name.sort(key=self._names.__getitem__)
            self._matching = self._matches(self._by_name)
        self._shown = self._sorted(self._matching)
        self._is_stale = False
        return True

    def _matches(self, rows: list[int]) -> list[int]:
        needle, folded = self._needle, self._folded
        return [row for row in rows if needle in folded[row]] if needle else rows[:]

    def _sorted(self, rows: list[int]) -> list[int]:
        if self._order is Order.NAME:
            return rows[::-1] if self._is_reverse else rows[:]
        # Both directions leave equal ones as they were: by name.
        return sorted(rows, key=self._keys().__getitem__, reverse=self._is_reverse)

    def _keys(self) -> Sequence[int]:
        match self._order:
            case Order.EVENTS:
                return self._sequences
            case Order.RATE:
                return self._rates.totals
            case Order.STATE:
                return self._states
            case Order.WAITING:
                return self._waiting
        # Later activity has a higher position, also where times are equal.
        return self._positions

    # --- what is shown -----------------------------------------------------------------

    def scope(self, index: int) -> ScopeSeen:
        """
        Give the scope at an index, as it is known now.

        Raises:
          IndexError: there is no such row.
        """
        row = self._row_at(index)
        odd = self._odd_times.get(row)
        at = timestamp(_EPOCH + self._times[row] * _MICROSECOND) if odd is None else odd
        return ScopeSeen(
            self._names[row], self._sequences[row], self._positions[row], at,
            _STATES[self._states[row]], self._rounds.get(row), self._waiting[row],
        )  # fmt: skip

    def rate(self, index: int, now_s: float) -> float:
        """How many events a second the scope at an index has had in the last minute."""
        self._rates.go_on(now_s)
        return self._rates.per_second(self._row_at(index), now_s)

    def bars(self, index: int, now_s: float) -> str:
        """The last minute of the scope at an index as bars, five seconds each; blank if none."""
        self._rates.go_on(now_s)
        return sparkline(self._rates.counts(self._row_at(index)))

    def index_of(self, scope: str) -> int | None:
        """Say where a scope stands; None if it is not shown."""
        row = self._rows.get(scope)
        if row is None:
            return None
        try:
            return self._shown.index(row)
        except ValueError:
            return None

    def _row_at(self, index: int) -> int:
        if not 0 <= index < len(self._shown):
            raise IndexError(f"expected an index below {len(self._shown)}, found {index}")
        return self._shown[index]


def _put(values: dict[int, T], row: int, value: T | None) -> None:
    if value is not None:
        values[row] = value
    elif values:
        values.pop(row, None)


def _microseconds(at: str) -> int | None:
    """A time of the journal as a number; None if it is none."""
    if not _TIME.fullmatch(at):
        return None
    try:
        return (datetime.fromisoformat(at) - _EPOCH) // _MICROSECOND
    except ValueError:
        return None


def _whole(number: int) -> int:
    """What a gateway sends may be no number that there can be."""
    return min(max(number, 0), _NUMBER_MAX)
