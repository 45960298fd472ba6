"""The simulation: flows repeat, thousands of them are right, and broken stores are found out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from trio.lowlevel import Abort

from atomic_store.admission import Admission
from atomic_store.journal import mending, opening
from atomic_store.journal.chain import ClosedCommit
from atomic_store.journal.commit import Commit
from atomic_store.journal.disk import Disk
from atomic_store.proposal import TaskProposal
from atomic_store.recent import RecentIds
from atomic_store.request import ValidationRequest
from atomic_store.testing.faulty_disk import FaultyDisk
from campaigns.simulation import flow as words
from campaigns.simulation.__main__ import main
from campaigns.simulation.campaign import run_seeds
from campaigns.simulation.flow import Caller, Flow, Life, source_of
from campaigns.simulation.generating import flow_of
from campaigns.simulation.running import run
from campaigns.simulation.shrinking import shrunk

CHUNK = 500
"""Some six seconds of a processor."""
FLOWS = 5_000
FOUND_WITHIN = 300

# Where coverage is measured, that triples the time; the first flows show what all reach.
CHUNKS = [0, *(pytest.param(n, marks=pytest.mark.no_cover) for n in range(CHUNK, FLOWS, CHUNK))]


@pytest.mark.parametrize("first", CHUNKS)
def test_random_flows(first: int) -> None:
    """Whatever happens to a store, and all of it does, nobody is told what is not so."""
    summary = run_seeds(range(first, first + CHUNK))

    assert CHUNK == summary.seeds
    assert [] == [f"--seed {failure.seed}: {failure.text}" for failure in summary.failures]
    assert [] == summary.never_met


@pytest.mark.parametrize("seed", [3, 14, 159])
def test_flows_repeat(seed: int) -> None:
    """A flow does the same each time: every answer, every time of it, every byte on the disk."""
    first, second = run(flow_of(seed)), run(flow_of(seed))

    assert first.history.lines() == second.history.lines()
    assert first.counts == second.counts


def test_seeds_differ() -> None:
    """Each seed has a flow of its own."""
    assert 50 == len({repr(flow_of(seed)) for seed in range(50)})


# --- controls: a broken store is found out --------------------------------------------------

Patch = pytest.MonkeyPatch


def leave_out_fdatasync(patch: Patch) -> None:
    patch.setattr(FaultyDisk, "fdatasync", lambda disk, file: None)


def acknowledge_early(patch: Patch) -> None:
    patch.setattr(Commit, "when_done", lambda commit, done: done(None))


def serve_the_last_first(patch: Patch) -> None:
    first: property = vars(Admission)["next_up"]

    def last(admission: Admission[Any]) -> Any:
        waiting = admission._waiting
        if waiting:
            waiting.move_to_end(next(reversed(waiting)), last=False)
        return first.__get__(admission)

    patch.setattr(Admission, "next_up", property(last))


def believe_the_cache(patch: Patch) -> None:
    """Do not write the last commit again when the store is opened."""

    def write_again(
        disk: Disk, path: str, file: int, commit: ClosedCommit, lacks_newline: bool
    ) -> None:
        if lacks_newline:
            mending.write_again(disk, path, file, commit, lacks_newline)

    patch.setattr(opening, "write_again", write_again)


def cancel_what_is_decided(patch: Patch) -> None:
    def abort(proposal: TaskProposal, raise_cancel: object) -> Abort:
        assert proposal.place is not None
        proposal.place.withdraw(proposal)
        proposal._parked.clear()
        return Abort.SUCCEEDED

    patch.setattr(TaskProposal, "_abort", abort)


def never_wake(patch: Patch) -> None:
    patch.setattr(TaskProposal, "_wake", lambda proposal: None)


def forget_admissions(patch: Patch) -> None:
    patch.setattr(RecentIds, "get", lambda recent, id_: None)


def show_less_of_the_past(patch: Patch) -> None:
    whole: property = vars(ValidationRequest)["past_events"]
    patch.setattr(
        ValidationRequest, "past_events", property(lambda request: whole.__get__(request)[1:])
    )


CONTROLS = [
    (leave_out_fdatasync, {"acknowledged"}),
    (acknowledge_early, {"acknowledged"}),
    (serve_the_last_first, {"in turn"}),
    (believe_the_cache, {"acknowledged", "whole past", "queries"}),
    (cancel_what_is_decided, {"nothing stored"}),
    (never_wake, {"answered"}),
    (forget_admissions, {"whole decisions"}),
    (show_less_of_the_past, {"whole past"}),
]


@pytest.mark.parametrize(("break_", "rules"), CONTROLS, ids=[c[0].__name__ for c in CONTROLS])
def test_a_broken_store_is_found_out(
    break_: Callable[[Patch], None], rules: set[str], monkeypatch: Patch
) -> None:
    """A few hundred flows at most find a store that breaks a promise, by the rule it breaks."""
    break_(monkeypatch)
    for seed in range(FOUND_WITHIN):
        if rules & {violation.rule for violation in run(flow_of(seed)).violations}:
            return

    pytest.fail(f"{FOUND_WITHIN} flows did not find it")


def test_a_failing_flow_is_made_small(monkeypatch: Patch) -> None:
    """What is left of a flow is what it takes to fail, and it fails as Python that is pasted."""
    acknowledge_early(monkeypatch)

    def fails(flow: Flow) -> bool:
        return "acknowledged" in [violation.rule for violation in run(flow).violations]

    seed = next(seed for seed in range(FOUND_WITHIN) if fails(flow_of(seed)))
    small = shrunk(flow_of(seed), fails)
    pasted = eval(source_of(small), dict(vars(words)))

    assert small == pasted
    assert fails(pasted)
    assert (1, 1) == (len(small.lives), len(small.lives[0].callers))


def test_shrinking_stops() -> None:
    """A flow of which nothing can be left out stays as it is, and tries are bounded."""
    flow = Flow((Life(callers=(Caller(number=1), Caller(number=2))), Life(lasts=9.0)))
    tried: list[Flow] = []

    def never(flow: Flow) -> bool:
        tried.append(flow)
        return False

    assert flow == shrunk(flow, never)
    assert len(set(map(repr, tried))) == len(tried) > 4
    assert flow == shrunk(flow, never, tries_max=2)
    assert Flow() == shrunk(flow, lambda flow: True)


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: Patch) -> None:
    """`--seed` prints the flow; one that fails is told of, made small, and is exit code 1."""
    assert 0 == main(["--seed", "7"])
    assert capsys.readouterr().out.startswith("Flow(")

    serve_the_last_first(monkeypatch)
    failing = next(seed for seed in range(FOUND_WITHIN) if run(flow_of(seed)).violations)
    assert 1 == main(["--seed", str(failing)])
    said = capsys.readouterr().out
    assert "in turn: who came later was served first" in said
    assert f"seed {failing} made small (in turn):" in said
