"""
What may be kept of the records that can be believed. Pure.

A scope's sequences have no gap. So they are the witness: a record whose sequence is the next
one shows that nothing of its scope is missing before it. One that comes too far shows a
*hole*: what its scope decided from there on rests on what cannot be read, and is not kept.
A decision of several events is kept as a whole or not at all.
"""

from __future__ import annotations

from typing import final

import attrs

from ..journal.line import RecordLine
from .salvage import Genuine


@attrs.frozen
class Kept:
    """A decision that is kept."""

    records: list[RecordLine]


@attrs.frozen
class LeftBehind:
    """A record that can be believed, and is not kept."""

    found: Genuine
    why: str


@final
@attrs.define(eq=False)
class CutScope:
    """A scope with a hole."""

    scope: str
    kept: int
    """The last sequence that is kept."""
    left_out: int = 0
    """How many of its records can be read, and are not kept."""


@final
@attrs.define(eq=False)
class Keeping:
    """Takes the records that can be believed, in order, and tells which are kept."""

    cut: dict[str, CutScope] = attrs.Factory(dict)
    """The scopes with a hole."""
    jumped: int = 0
    """How many records are missing, by what the sequences of their scopes show."""
    # Each scope's last sequence that is kept, and that was seen.
    _kept: dict[str, int] = attrs.Factory(dict)
    _seen: dict[str, int] = attrs.Factory(dict)
    _at: str = ""
    _open: list[Genuine] = attrs.Factory(list)

    @property
    def scopes(self) -> int:
        """How many scopes have records that are kept."""
        return len(self._kept)

    def take(self, found: Genuine) -> list[Kept | LeftBehind]:
        """Take the next record; give what has become of it, and of those before it."""
        record = found.record
        k, n = record.part or (1, 1)
        told: list[Kept | LeftBehind] = []
        if self._open and not self._continues(record):
            told += self.finish()
        if not self._open and k > 1:
            return told + self._leave([found], "its decision is not whole")
        self._open.append(found)
        if k == n:
            decision, self._open = self._open, []
            told += self._decide(decision)
        return told

    def finish(self) -> list[Kept | LeftBehind]:
        """Have nothing more follow; give what has become of a decision that has only begun."""
        decision, self._open = self._open, []
        return self._leave(decision, "its decision is not whole")

    def _continues(self, record: RecordLine) -> bool:
        first = self._open[0].record
        assert first.part is not None
        part = (len(self._open) + 1, first.part[1])
        sequence = first.sequence + len(self._open)
        return (record.scope, record.id, record.part, record.sequence) == (
            first.scope, first.id, part, sequence
        )  # fmt: skip

    def _decide(self, decision: list[Genuine]) -> list[Kept | LeftBehind]:
        first = decision[0].record
        scope, expected = first.scope, self._kept.get(first.scope, 0) + 1
        if scope in self.cut:
            return self._leave(
                decision, f"it is behind the hole in its scope, from sequence {expected} on"
            )
        if first.sequence < expected:
            return self._leave_doubled(decision, expected)
        if first.sequence > expected:
            missing = f"sequence {expected}"
            if first.sequence > expected + 1:
                missing = f"sequences {expected} to {first.sequence - 1}"
            return self._leave(decision, f"{missing} of its scope cannot be read")
        if first.at < self._at:
            return self._leave(decision, f"its time is before {self._at}, of a record before it")
        self._kept[scope] = self._seen[scope] = decision[-1].record.sequence
        self._at = decision[-1].record.at
        return [Kept([found.record for found in decision])]

    def _leave_doubled(self, decision: list[Genuine], expected: int) -> list[Kept | LeftBehind]:
        why = f"its scope goes on with sequence {expected}"
        return [LeftBehind(found, why) for found in decision]

    def _leave(self, decision: list[Genuine], why: str) -> list[Kept | LeftBehind]:
        """Leave records out; from there on, nothing of their scope is kept."""
        for found in decision:
            record = found.record
            cut = self.cut.get(record.scope)
            if cut is None:
                cut = CutScope(record.scope, self._kept.get(record.scope, 0))
                self.cut[record.scope] = cut
            cut.left_out += 1
            seen = self._seen.get(record.scope, 0)
            self.jumped += max(0, record.sequence - seen - 1)
            self._seen[record.scope] = max(seen, record.sequence)
        return [LeftBehind(found, why) for found in decision]
