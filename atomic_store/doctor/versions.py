"""
Whether a version is one that is wanted. Pure.

Only what the project's own metadata uses: numbers with dots, and ``>=``, ``<`` or ``==``.
Whatever follows the numbers of a version (``rc1``, ``.post0``) does not count.
"""

from __future__ import annotations

import re

from .facts import Package

_NUMBERS = re.compile(r"\d+(?:\.\d+)*")
_CLAUSE = re.compile(r"(>=|<|==)\s*([\d.]+)")
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)\s*(?P<wanted>[^;]*)(?P<marker>;.*)?")


def release(version: str) -> tuple[int, ...]:
    """Give a version's numbers, without zeros at the end; none of what is no version."""
    found = _NUMBERS.match(version)
    numbers = [int(number) for number in found[0].split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def is_wanted(version: str, wanted: str) -> bool:
    """Whether a version fulfils all clauses; a clause of another form is passed over."""
    have = release(version)
    for operator, text in _CLAUSE.findall(wanted):
        other = release(text)
        if not (have >= other if operator == ">=" else have < other if operator == "<"
                else have == other):  # fmt: skip
            return False
    return True


def package_of(requirement: str, installed: str | None) -> Package | None:
    """
    Read one of a distribution's requirements: ``"h11>=0.14; extra == 'gateway'"``.

    Args:
      installed: the version that is there, if one is.
    """
    found = _REQUIREMENT.fullmatch(requirement.strip())
    if found is None:
        return None
    is_optional = "extra" in (found["marker"] or "")
    return Package(found["name"], found["wanted"].strip(), installed, is_optional)


def name_in(requirement: str) -> str:
    """Give the name of the distribution that a requirement is for; empty if there is none."""
    found = _REQUIREMENT.fullmatch(requirement.strip())
    return found["name"] if found else ""
