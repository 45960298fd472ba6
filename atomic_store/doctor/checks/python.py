"""Is it a Python, and are those packages, that the library is made for?"""

from __future__ import annotations

from ..facts import Facts
from ..findings import Finding, Severity
from ..versions import is_wanted


def check_python(facts: Facts) -> Finding:
    """Judge the interpreter and how it was started."""
    python = facts.python
    version = ".".join(map(str, python.version))
    found = f"{python.implementation} {version}"
    if python.wanted is not None and not is_wanted(version, python.wanted):
        return Finding(
            "Python", Severity.PROBLEM, f"{found}, expected {python.wanted}",
            "The library is not made for it.", "Install another Python.",
        )  # fmt: skip
    if python.is_optimised:
        return Finding(
            "Python", Severity.WARNING, f"{found}, started with -O",
            "The checks that the library makes of itself are left out: a fault in it may go "
            "further before it is noticed.",
            "Start it without -O, and without PYTHONOPTIMIZE.",
        )  # fmt: skip
    if python.implementation != "CPython":
        return Finding(
            "Python", Severity.NOTE, found, "The library is tested with CPython alone.",
            "Run the tests with it.",
        )  # fmt: skip
    if python.tried and python.version[:2] not in python.tried:
        tried = ", ".join(f"{major}.{minor}" for major, minor in python.tried)
        return Finding(
            "Python", Severity.NOTE, found, f"The library is tested with {tried}.",
            "Run the tests with it, or take one of those.",
        )  # fmt: skip
    return Finding("Python", Severity.OK, found)


def check_packages(facts: Facts) -> Finding:
    """Judge the versions of what the library needs."""
    python = facts.python
    if python.wanted is None:
        return Finding(
            "packages", Severity.NOTE, "the library was not installed: what it needs is not known",
            "A package that is too old may be noticed late.", "Install it with pip.",
        )  # fmt: skip
    wrong = []
    for package in python.packages:
        if package.installed is None:
            if not package.is_optional:
                wrong.append(f"{package.name}{package.wanted}, found none")
        elif not is_wanted(package.installed, package.wanted):
            wrong.append(f"{package.name}{package.wanted}, found {package.installed}")
    if wrong:
        return Finding(
            "packages", Severity.PROBLEM, f"expected {'; '.join(wrong)}",
            "What the library needs is missing, or is another version than it is made for.",
            "Install it anew: pip install --upgrade trio-atomic-store",
        )  # fmt: skip
    have = [f"{p.name} {p.installed}" for p in python.packages if p.installed is not None]
    return Finding("packages", Severity.OK, ", ".join(have))
