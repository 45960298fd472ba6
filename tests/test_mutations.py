"""The mutations fit the code, and who tries them tells what is noticed from what is not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mutations.__main__ import CAUGHT, main
from mutations.cases import Case, Report
from mutations.mutation import Mutation, Stale, named, of_file, part_of
from mutations.rooms import MUTATIONS
from mutations.table import BEGIN, END, markdown, summary, with_table
from mutations.trees import copied_tree
from mutations.trials import Trial, Verdict, judged
from source_tree import ROOT

TOY_CODE = '"""A toy."""\n\ndef double(n: int) -> int:\n    return n + n  # twice\n'
TOY_TESTS = """
import time
from atomic_store import double

def test_four(): assert 4 == double(2)
def test_nothing(): assert 0 == double(0)
def test_wrong(): assert 5 == double(2)
def test_late():
    while 4 != double(2): time.sleep(0.01)
"""
TRIED = """
import json, sys
from pathlib import Path
from tests.mutations.cases import load_before
from tests.mutations.learning import learn
from tests.mutations.mutation import Mutation
from tests.mutations.trials import Workshop, try_all

asked = json.load(sys.stdin)
mutations = [Mutation(*row) for row in asked["mutations"]]
load_before(["pytest_trio.plugin"])
workshop = Workshop(Path(asked["directory"]), 2, Path(asked["root"]))
trials = try_all(mutations[:-1], asked["caught"], workshop)
# However slow the machine is, this one is late.
trials += try_all(mutations[-1:], asked["caught"], workshop, seconds_max=2)
lessons = [[one.mutation.name, [case for case, _ in one.failed]]
           for one in learn(mutations[:1], workshop, hanging_seconds=1)]
json.dump([[[t.mutation.name, t.verdict, t.case, t.how] for t in trials], lessons], sys.stdout)
"""


def toy(name: str, old: str, new: str) -> Mutation:
    """A mutation of the toy."""
    return Mutation(name, "Twice is twice.", "atomic_store/__init__.py", old, new, ("test_toy",))


def toy_project(path: Path) -> Path:
    """A project with one function and its tests, of which one is wrong."""
    for name in ("atomic_store", "docs", "inspector", "tests"):
        (path / name).mkdir(parents=True)
    (path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (path / "README.md").touch()
    (path / "atomic_store" / "__init__.py").write_text(TOY_CODE)
    (path / "tests" / "test_toy.py").write_text(TOY_TESTS)
    return path


# --- the mutations there are ---------------------------------------------------------------


def test_they_fit_the_code() -> None:
    """What each mutation replaces stands in the code once, and what comes out is Python."""
    texts = {m.file: (ROOT / m.file).read_text("utf-8") for m in MUTATIONS}

    assert [] == [complaint for m in MUTATIONS if (complaint := stale(m, texts[m.file]))]


def stale(mutation: Mutation, text: str) -> str | None:
    """Why a mutation does not fit a text; None if it does."""
    try:
        return None if mutation.applied(text) != text else f"{mutation.name} changes nothing"
    except Stale as error:
        return f"{mutation.name}: {error}"


def test_each_has_a_case() -> None:
    """The case of each mutation is written down, and is one of a test file that there is."""
    caught = json.loads(CAUGHT.read_text("utf-8"))

    assert [mutation.name for mutation in MUTATIONS] == list(caught)
    assert [] == [case for case in caught.values() if not is_there(case)]


def is_there(case: str) -> bool:
    """Whether a file has a function of this name, or may have it from the conformance suite."""
    file, *_, name = case.partition("[")[0].split("::")
    suite = (ROOT / "atomic_store" / "testing" / "conformance").glob("*.py")
    places = [ROOT / file, *(suite if file == "tests/test_conformance.py" else ())]
    return any(f"def {name}(" in place.read_text("utf-8") for place in places)


def test_their_page_is_up_to_date() -> None:
    """The page shows each rule with its case; `python -m tests.mutations --markdown` writes it."""
    page = (ROOT / "docs" / "mutations.md").read_text("utf-8")

    assert page == with_table(page, markdown(MUTATIONS, json.loads(CAUGHT.read_text("utf-8"))))


# --- whoever tries them ------------------------------------------------------------------


def test_verdicts(tmp_path: Path) -> None:
    """Each verdict is given where it is due, and a case that notices is found."""
    four, nothing, wrong, late = (
        f"tests/test_toy.py::test_{name}" for name in ("four", "nothing", "wrong", "late")
    )
    tried = [
        (toy("noticed", "n + n", "n + 1"), four, "caught"),
        (toy("of-no-matter", "# twice", "# two times"), four, "SURVIVED"),
        (toy("not-looked-at", "n + n", "n * n"), nothing, "SURVIVED"),
        (toy("not-there", "n * n", "n + n"), four, "stale"),
        (toy("there-twice", "n", "m"), four, "stale"),
        (toy("no-python", "n + n", "n +"), four, "stale"),
        (toy("fails-anyway", "n + n", "n + 1"), wrong, "broken"),
        (toy("no-such-case", "n + n", "n + 1"), "tests/test_toy.py::test_five", "broken"),
        (toy("cannot-be-imported", '"""A toy."""', "import nothing_of_this_name"), four, "broken"),
        (toy("noticed-again", "n + n", "n - n"), four, "caught"),
        (toy("never-ends", "n + n", "n + 1"), late, "late"),
    ]
    root, directory = toy_project(tmp_path / "toy"), tmp_path / "trees"
    directory.mkdir()

    ended = subprocess.run(
        [sys.executable, "-c", TRIED], cwd=ROOT, check=True, capture_output=True, text=True,
        input=json.dumps({
            "mutations": [
                [m.name, m.rule, m.file, m.old, m.new, m.tests] for m, _, _ in tried
            ],
            "caught": {m.name: case for m, case, _ in tried},
            "directory": str(directory), "root": str(root),
        }),
    )  # fmt: skip
    trials, lessons = json.loads(ended.stdout)

    assert [(m.name, verdict, case) for m, case, verdict in tried] == [
        (name, verdict, case) for name, verdict, case, _ in trials
    ]
    hows = {name: how for name, _, _, how in trials}
    assert "assert 4 == 3" in hows["noticed"]
    assert "expected 'n * n' once, found it 0 times" in hows["not-there"]
    assert "in the sound tree: assert 5 == 4" in hows["fails-anyway"]
    assert "nothing_of_this_name" in hows["cannot-be-imported"]
    assert [["noticed", [four]]] == lessons
    assert TOY_CODE == (root / "atomic_store" / "__init__.py").read_text()


def test_a_case_that_is_not_written_down() -> None:
    """What is written down for no mutation, or was not run to its end, says nothing."""
    mutation = toy("unknown", "n + n", "n + 1")
    passed = {"a": Case("passed", 0.0, "")}

    assert Verdict.SURVIVED is judged(mutation, "a", Report(passed, None, False), 0.0).verdict
    assert Verdict.BROKEN is judged(mutation, "a", Report(passed, "why", False), 0.0).verdict
    assert Verdict.LATE is judged(mutation, "a", Report({}, "why", True), 0.0).verdict


def test_a_tree_is_put_right_again(tmp_path: Path) -> None:
    """A copy is broken for the length of a block; no two versions of a file have one time."""
    tree = copied_tree(tmp_path / "copy", toy_project(tmp_path / "toy"))
    path = tree.path / "atomic_store" / "__init__.py"
    texts, times = [path.read_text()], [path.stat().st_mtime]

    for new in ("n * n", "n - n"):
        with tree.broken_by(toy("some", "n + n", new)):
            texts.append(path.read_text())
            times.append(path.stat().st_mtime)
        texts.append(path.read_text())
        times.append(path.stat().st_mtime)
    with pytest.raises(Stale, match="found it 0 times"), tree.broken_by(toy("none", "x", "y")):
        pass

    first, second = (TOY_CODE.replace("n + n", new) for new in ("n * n", "n - n"))
    assert [TOY_CODE, first, TOY_CODE, second, TOY_CODE] == texts
    assert len(times) == len(set(times))


# --- choosing and showing -------------------------------------------------------------------


def test_choosing() -> None:
    """Mutations are chosen by name; a name that nobody has, or two have, is refused."""
    some = of_file("a.py", ("one", "", "", "", "x y"), ("two", "", "", "", "z"))

    assert (["one", "two"], ["two"]) == (
        [m.name for m in named(some, [])],
        [m.name for m in named(some, ["two"])],
    )
    assert [("x", "y"), ("z",)] == [m.tests for m in some]
    with pytest.raises(ValueError, match="expected the name of a mutation, found three"):
        named(some, ["one", "three"])
    with pytest.raises(ValueError, match="found one twice"):
        named([*some, some[0]], [])


def test_parts() -> None:
    """Each mutation is in one of the parts; what is no part is refused."""
    some = of_file("a.py", *((name, "", "", "", "") for name in "abcde"))
    parts = [[m.name for m in part_of(some, f"{n}/3")] for n in (1, 2, 3)]

    assert [["a", "d"], ["b", "e"], ["c"]] == parts
    assert some == part_of(some, "1/1")
    for part in ("", "2", "0/3", "4/3", "1/0", "-1/3", "a/3"):
        with pytest.raises(ValueError, match="expected a part like 2/4, found"):
            part_of(some, part)


def test_the_table() -> None:
    """The table has a row for each rule; it goes between the markers, and nowhere else."""
    some = of_file("a.py", ("one", "Rule one.", "", "", "")) + of_file(
        "b.py", ("two", "Rule two.", "", "", "")
    )
    table = markdown(some, {"one": "tests/test_a.py::T::test_x[1]", "two": "tests/test_b.py::y"})

    assert table.splitlines() == [
        "`a.py`", "", "| rule | noticed by |", "|---|---|",
        "| Rule one. | `test_a.py`: `T.test_x` |",
        "", "`b.py`", "", "| rule | noticed by |", "|---|---|",
        "| Rule two. | `test_b.py`: `y` |",
    ]  # fmt: skip
    assert f"a{BEGIN}\n\nt\n\n{END}b" == with_table(f"a{BEGIN}old{END}b", "t")
    with pytest.raises(ValueError, match="once each"):
        with_table(f"{END}{BEGIN}", "t")
    trials = [Trial(some[0], Verdict.CAUGHT), Trial(some[1], Verdict.STALE)]
    assert "2 mutations in 3 s: 1 caught, 1 stale" == summary(trials, 3.2)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`--list` names all and runs nothing; what cannot be chosen is exit status 2."""
    assert 0 == main(["--list"])
    assert [m.name for m in MUTATIONS] == [
        line.split()[0] for line in capsys.readouterr().out.splitlines()
    ]
    assert 2 == main(["no-such-rule"])
    assert "found no-such-rule" in capsys.readouterr().err
    assert 2 == main(["--part", "5/4"])
    assert "found '5/4'" in capsys.readouterr().err
