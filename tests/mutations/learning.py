"""Finding a case that notices a mutation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

import attrs

from .cases import Case, Report
from .mutation import Mutation, Stale
from .trials import Work, Workshop

SECONDS_MAX = 240
HANGING_SECONDS = 20
HANGING_MAX = 4
"""How many such cases are left out, one after the other."""
FAILURES_MAX = 1
"""After so many that failed, no more are run. With more, the quickest of them is chosen."""


@final
@attrs.frozen
class Lesson:
    """What was found out about a mutation."""

    mutation: Mutation
    failed: list[tuple[str, Case]]
    """The cases that noticed it, the quickest first."""
    problem: str | None


def learn(
    mutations: Sequence[Mutation], workshop: Workshop, *, hanging_seconds: int = HANGING_SECONDS
) -> Iterator[Lesson]:
    """
    Run the test files that a mutation names, in their order, until a case of them has failed.

    Args:
      hanging_seconds: after so long a case is left out, and the others are run again.
    """
    works = [_work(mutation, (), hanging_seconds) for mutation in mutations]
    while works:
        again: list[Work] = []
        for work, report, _ in workshop.run(works):
            assert work.mutation is not None
            if isinstance(report, Stale):
                yield Lesson(work.mutation, [], str(report))
                continue
            left_out = [one for one in work.arguments if one.startswith("--deselect")]
            if report.hanging and not report.failed and len(left_out) < HANGING_MAX:
                left_out.append(f"--deselect={report.hanging}")
                again.append(_work(work.mutation, left_out, hanging_seconds))
                continue
            failed = sorted(report.failed.items(), key=lambda item: item[1].seconds)
            yield Lesson(work.mutation, failed, _problem(report, left_out))
        works = again


def _work(mutation: Mutation, left_out: Sequence[str], hanging_seconds: int) -> Work:
    files = [f"tests/{name}.py" for name in mutation.tests]
    patience = [
        "-o", f"faulthandler_timeout={hanging_seconds}", "-o", "faulthandler_exit_on_timeout=true",
    ]  # fmt: skip
    return Work([*files, *patience, *left_out], SECONDS_MAX, mutation, FAILURES_MAX)


def _problem(report: Report, left_out: Sequence[str]) -> str | None:
    if report.hanging:
        return f"{report.hanging} does not end"
    return report.problem or (f"left out: {', '.join(left_out)}" if left_out else None)
