"""`python -m tests.mutations`: break each rule once, and see a case fail."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from .cases import load_before
from .learning import learn
from .mutation import Mutation, named, part_of
from .rooms import MUTATIONS
from .table import line_of, markdown, summary, with_table
from .trials import Verdict, Workshop, try_all

CAUGHT = Path(__file__).parent / "caught.json"
"""The case of each mutation, by its name. `--learn` writes it."""


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a mutation (default: all)")
    parser.add_argument("--part", default="1/1", help="only some: 2/4 is the second of four parts")
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    parser.add_argument("--learn", action="store_true", help="look for cases, and write them down")
    parser.add_argument("--markdown", type=Path, help="a document to put the table into")
    # One more than there are processors: some cases wait, for a mutation that has them wait.
    trees = (os.cpu_count() or 1) + 1
    parser.add_argument("--trees", type=int, default=trees, help="how many at once")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try mutations; gives the exit status: 0 if each was caught, 1 if not, 2 if none was tried."""
    asked = _arguments(arguments)
    try:
        mutations = part_of(named(MUTATIONS, asked.names), asked.part)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if asked.list:
        for mutation in mutations:
            print(f"{mutation.name:<32} {mutation.rule}")
        return 0
    caught = json.loads(CAUGHT.read_text("utf-8"))
    load_before()
    with tempfile.TemporaryDirectory(prefix="mutations-") as directory:
        workshop = Workshop(Path(directory), asked.trees)
        if asked.learn:
            return _learn(mutations, caught, workshop)
        began = time.monotonic()
        trials = try_all(mutations, caught, workshop, lambda trial: print(line_of(trial)))
    others = [trial for trial in trials if trial.verdict is not Verdict.CAUGHT]
    print(summary(trials, time.monotonic() - began))
    for trial in others:
        print(f"{line_of(trial)}\n  {trial.mutation.rule}")
    if asked.markdown and not others and len(mutations) == len(MUTATIONS):
        document = asked.markdown.read_text("utf-8")
        table = markdown(mutations, caught)
        asked.markdown.write_text(with_table(document, table), "utf-8")
    return 1 if others else 0


def _learn(mutations: Sequence[Mutation], caught: dict[str, str], workshop: Workshop) -> int:
    missed = 0
    for lesson in learn(mutations, workshop):
        name = lesson.mutation.name
        print(f"{name}: {lesson.problem or ''}")
        for case, found in lesson.failed:
            print(f"  {found.seconds:5.2f} s  {case}  ({found.how})")
        missed += not lesson.failed
        if lesson.failed:
            caught[name] = lesson.failed[0][0]
        _write_down(caught)
    return 1 if missed else 0


def _write_down(caught: dict[str, str]) -> None:
    order = [mutation.name for mutation in MUTATIONS if mutation.name in caught]
    lines = json.dumps({name: caught[name] for name in order}, indent=2, ensure_ascii=False)
    CAUGHT.write_text(lines + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
