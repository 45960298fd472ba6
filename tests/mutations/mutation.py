"""A mutation: a rule, and a change to the code that breaks it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import final

import attrs


class Stale(Exception):
    """The code is not the one that the mutation was written for."""


@final
@attrs.frozen
class Mutation:
    """A change to one file that breaks one rule."""

    name: str
    rule: str
    """What the code promises without it, in a sentence."""
    file: str
    """Below the root of the project."""
    old: str
    """What is replaced; it stands in the file exactly once."""
    new: str
    tests: tuple[str, ...]
    """The test files that are looked through for a case that notices, without `.py`."""

    def applied(self, text: str) -> str:
        """
        Give the file's text with the change.

        Raises:
          Stale: what is to be replaced does not stand there exactly once, or what comes out
            is no Python.
        """
        count = text.count(self.old)
        if count != 1:
            raise Stale(f"{self.file}: expected {self.old!r} once, found it {count} times")
        changed = text.replace(self.old, self.new)
        try:
            compile(changed, self.file, "exec")
        except SyntaxError as error:
            raise Stale(f"{self.file}: expected Python, found {error}") from error
        return changed


def of_file(file: str, *rows: tuple[str, str, str, str, str]) -> list[Mutation]:
    """
    Write down the mutations of one file.

    Args:
      rows: for each its name, rule, old and new text, and the test files, with blanks between.
    """
    return [
        Mutation(name, rule, file, old, new, tuple(tests.split()))
        for name, rule, old, new, tests in rows
    ]


def named(mutations: Iterable[Mutation], names: Iterable[str]) -> list[Mutation]:
    """
    Choose mutations by name, in the order of the names; without one, all.

    Raises:
      ValueError: there is none of this name, or two have one.
    """
    by_name: dict[str, Mutation] = {}
    for mutation in mutations:
        if mutation.name in by_name:
            raise ValueError(f"expected each name once, found {mutation.name} twice")
        by_name[mutation.name] = mutation
    chosen = list(names)
    unknown = [name for name in chosen if name not in by_name]
    if unknown:
        raise ValueError(f"expected the name of a mutation, found {', '.join(unknown)}")
    return [by_name[name] for name in chosen] or list(by_name.values())


def part_of(mutations: Sequence[Mutation], part: str) -> list[Mutation]:
    """
    Give a part of them, of about as many of each file.

    Args:
      part: which one of how many, counted from 1: `2/4` is the second one of four.

    Raises:
      ValueError: this is no part.
    """
    which, _, parts = part.partition("/")
    if not (which.isdecimal() and parts.isdecimal() and 1 <= int(which) <= int(parts)):
        raise ValueError(f"expected a part like 2/4, found {part!r}")
    return list(mutations[int(which) - 1 :: int(parts)])
