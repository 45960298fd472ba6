"""The mutations as tables: for the screen, and for docs/mutations.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

from .mutation import Mutation
from .trials import Trial, Verdict

BEGIN = "<!-- mutations: begin -->"
END = "<!-- mutations: end -->"


def line_of(trial: Trial) -> str:
    """A trial in a line."""
    words = [f"{trial.verdict:<8}", f"{trial.seconds:5.1f} s ", f"{trial.mutation.name:<32}"]
    return " ".join([*words, trial.case, *([f"({trial.how})"] if trial.how else [])])


def summary(trials: Sequence[Trial], seconds: float) -> str:
    """How many there were of each verdict."""
    counts = Counter(trial.verdict for trial in trials)
    shown = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    return f"{len(trials)} mutations in {seconds:.0f} s: {shown or 'nothing'}"


def markdown(mutations: Sequence[Mutation], caught: Mapping[str, str]) -> str:
    """The rules by the file that keeps them, each with the case that notices when it does not."""
    lines = []
    for file, group in groupby(mutations, key=lambda mutation: mutation.file):
        lines += ["", f"`{file}`", "", "| rule | noticed by |", "|---|---|"]
        lines += [f"| {mutation.rule} | {_case(caught[mutation.name])} |" for mutation in group]
    return "\n".join(lines[1:])


def with_table(document: str, table: str) -> str:
    """
    Put a table between the two markers of a document.

    Raises:
      ValueError: the document does not have exactly one of each, in this order.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in before + after:
        raise ValueError(f"expected {BEGIN} and then {END}, once each")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def _case(case: str) -> str:
    file, _, rest = case.partition("::")
    return f"`{file.rpartition('/')[2]}`: `{rest.partition('[')[0].replace('::', '.')}`"
