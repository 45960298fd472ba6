"""
What a writing process said, and whether the files bear it out.

The load (`load`) says a line before it proposes, and one when it was told a result. `Ledger`
takes these lines and the records that are found in the files afterwards. It knows nothing of the
library: what each record must hold follows from its place and from what was proposed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeAlias, final
from zlib import crc32

import attrs

Line: TypeAlias = list[Any]
"""A line that a writer says: what kind it is, and the rest."""


@attrs.frozen
class Found:
    """A record as it was found."""

    position: int
    scope: str
    sequence: int
    id: str
    part: tuple[int, int]
    number: int
    seen: int
    """How many records the round saw."""
    digest: int
    """What they amounted to."""

    @classmethod
    def of(cls, line: dict[str, Any]) -> Found:
        """What counts of a record's line."""
        part = line.get("part", [1, 1])
        data = line["data"]
        return cls(
            line["position"], line["scope"], line["sequence"], line["id"], (part[0], part[1]),
            data["number"], data["seen"], data["digest"],
        )  # fmt: skip


def digest_of(before: int, number: int) -> int:
    """What a scope's records amount to with one more."""
    return crc32(number.to_bytes(8, "little"), before)


@attrs.define
class ScopePast:
    """A scope as far as its records were looked at."""

    digests: list[int] = attrs.Factory(lambda: [0])
    """What its records amount to, up to each sequence."""

    @property
    def sequence(self) -> int:
        return len(self.digests) - 1


@attrs.frozen
class Admitted:
    """Where a proposal's records lie."""

    position: int
    scope: str
    sequence: int
    events: int


@final
@attrs.define(eq=False)
class Ledger:
    """
    What was said, and what was found. Problems are sentences; none: all is well.

    Attributes:
      proposed: each proposal's scope, how many events it makes, and its number, by its id.
      told: what was said of accepted ones, by the id: scope, sequence, events.
      saw: pasts that somebody was told a result of: scope, sequence, digest.
    """

    proposed: dict[str, tuple[str, int, int]] = attrs.Factory(dict)
    told: dict[str, tuple[str, int, int]] = attrs.Factory(dict)
    saw: list[tuple[str, int, int]] = attrs.Factory(list)
    admitted: dict[str, Admitted] = attrs.Factory(dict)
    scopes: dict[str, ScopePast] = attrs.Factory(dict)
    position: int = 0
    problems: list[str] = attrs.Factory(list)
    figures: dict[str, int] = attrs.Factory(dict)

    def count(self, what: str, more: int = 1) -> None:
        """Add to a figure."""
        self.figures[what] = self.figures.get(what, 0) + more

    def hear(self, lines: Iterable[Line]) -> None:
        """Take what a writer has said."""
        for kind, *rest in lines:
            if kind == "proposes":
                id_, *what = rest
                self.proposed[id_] = (what[0], what[1], what[2])
            elif kind == "accepted":
                id_, scope, sequence, events = rest
                self._hear_accepted(id_, (scope, sequence, events))
            elif kind == "saw":
                scope, sequence, digest = rest
                self.saw.append((scope, sequence, digest))
                self.count("told otherwise")
            elif kind == "problem":
                self.problems.append(rest[0])
            else:
                self.count(" ".join(map(str, [kind, *rest[:1]])))

    def _hear_accepted(self, id_: str, place: tuple[str, int, int]) -> None:
        if self.told.setdefault(id_, place) != place:
            self.problems.append(f"{id_} was told {self.told[id_]}, and now {place}")
        self.count("told accepted")

    def find(self, records: Iterable[Found]) -> None:
        """Take the records that follow those which were found before."""
        k, n = 0, 0
        for record in records:
            problem = self._problem(record, k, n)
            if problem is not None:
                self.problems.append(f"{record}: {problem}")
                return
            k, n = record.part
            past = self.scopes.setdefault(record.scope, ScopePast())
            past.digests.append(digest_of(past.digests[-1], record.number))
            self.position = record.position
            if k == 1:
                self.admitted[record.id] = Admitted(
                    record.position, record.scope, record.sequence, n
                )
        if k != n:
            self.problems.append(f"the last decision has {k} of {n} events")

    def _problem(self, record: Found, k: int, n: int) -> str | None:
        past = self.scopes.get(record.scope, ScopePast())
        first = past.sequence - record.part[0] + 1
        if record.position != self.position + 1:
            return f"expected position {self.position + 1}"
        if record.sequence != past.sequence + 1:
            return f"expected sequence {past.sequence + 1}"
        if record.part[0] != (1 if k == n else k + 1) or (k != n and record.part[1] != n):
            return f"expected part {k + 1} of {n}, or a whole decision before"
        if self.proposed.get(record.id) != (record.scope, record.part[1], record.number):
            return f"proposed was {self.proposed.get(record.id)}"
        if record.part[0] == 1 and record.id in self.admitted:
            return f"it was admitted before: {self.admitted[record.id]}"
        if (record.seen, record.digest) != (first, past.digests[first]):
            return f"its round had to see {first} records that amount to {past.digests[first]}"
        return None

    def check(self) -> list[str]:
        """Compare all that was said with all that was found; gives the problems so far."""
        for id_, (scope, sequence, events) in self.told.items():
            place = self.admitted.get(id_)
            if place is None:
                self.problems.append(f"{id_} was acknowledged, and is missing")
            elif (place.scope, place.sequence, place.events) != (scope, sequence, events):
                self.problems.append(f"{id_} was told {scope} {sequence}, and is {place}")
        for scope, sequence, digest in self.saw:
            digests = self.scopes.get(scope, ScopePast()).digests
            if sequence >= len(digests) or digests[sequence] != digest:
                self.problems.append(f"{scope}: a result rests on {sequence} records, not there")
        self.saw.clear()
        return self.problems


def lines_of(content: bytes) -> list[Line]:
    """The whole lines of what a process has said; it may have ended within the last one."""
    return [json.loads(line) for line in content.split(b"\n")[:-1]]
