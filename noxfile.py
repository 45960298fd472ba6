"""What a change must pass, one session a question: `nox -s lint types tests docs`."""

from __future__ import annotations

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "virtualenv"
nox.options.error_on_external_run = True
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "tests", "docs"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PYPROJECT)

FULLY_COVERED = "atomic_store/admission.py,atomic_store/journal/*,atomic_store/filter/*"
"""The rules, the disk and filters: no line and no branch of them goes untested."""


def install(session: nox.Session, *groups: str, package: bool = True) -> None:
    """Install dependency groups, whatever the age of pip, and the package in place."""
    requirements = nox.project.dependency_groups(PYPROJECT, *groups)
    session.install(*requirements, *(["-e", ".[all]"] if package else []))


@nox.session
def lint(session: nox.Session) -> None:
    """Is the code in the house style?"""
    install(session, "lint", package=False)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Do two type checkers agree with the code, and do users get the types they expect?"""
    install(session, "types")
    session.run("mypy")
    session.run(
        "pyright",
        env={
            "PYRIGHT_PYTHON_GLOBAL_NODE": "off",
            "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
            "PYRIGHT_PYTHON_USE_BUNDLED_PYRIGHT": "1",
        },
    )


@nox.session
def tests(session: nox.Session) -> None:
    """Does it do what it says? Arguments after `--` go to pytest."""
    install(session, "test")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python=PYTHONS)
def pythons(session: nox.Session) -> None:
    """Does it also on every Python that pyproject.toml names?"""
    install(session, "test")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def floors(session: nox.Session) -> None:
    """Does it also with the oldest versions of other packages that pyproject.toml allows?"""
    install(session, "test")
    project = PYPROJECT["project"]
    allowed = [*project["dependencies"], *project["optional-dependencies"]["gateway"]]
    session.install(*(line.replace(">=", "==") for line in allowed))
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Which lines and branches does no test reach? None may be left in the named ones."""
    install(session, "test")
    session.run("python", "-m", "pytest", "--cov", "--cov-report=", *session.posargs)
    session.run("coverage", "report", "--skip-covered", "--show-missing")
    gate_coverage(session)


@nox.session
def gate(session: nox.Session) -> None:
    """Did a run that was measured before leave nothing out of the named files?"""
    session.install("coverage>=7.6")
    gate_coverage(session)


def gate_coverage(session: nox.Session) -> None:
    """Fail unless all of `FULLY_COVERED` was reached."""
    include = f"--include={FULLY_COVERED}"
    session.run("coverage", "report", include, "--show-missing", "--fail-under=100")


@nox.session
def mutations(session: nox.Session) -> None:
    """Does a test notice when a rule is broken? Names of mutations go behind `--`."""
    install(session, "test")
    session.run("python", "-m", "tests.mutations", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Do the pages build without a warning? They land in docs/_build/html."""
    install(session, "docs")
    session.run(
        "sphinx-build", "-q", "-W", "-n", "--keep-going", "-b", "html",
        "docs", "docs/_build/html", *session.posargs,
    )  # fmt: skip


@nox.session
def lock(session: nox.Session) -> None:
    """Write which versions were reviewed, with hashes; `-- --upgrade` takes newer ones."""
    session.install("uv>=0.5")
    session.run(
        "uv", "pip", "compile", "pyproject.toml", "--all-extras", "--universal", "--quiet",
        "--python-version", "3.11", "--generate-hashes", "--custom-compile-command", "nox -s lock",
        # Only Windows needs them, and the library is not for that.
        "--no-emit-package", "cffi", "--no-emit-package", "pycparser",
        "-o", ".ci/requirements.txt", *session.posargs,
    )  # fmt: skip


@nox.session
def audit(session: nox.Session) -> None:
    """Are the packages that users get those that were reviewed? Is anything known against them?"""
    session.install("packaging", "pip-audit>=2.7")
    install(session)
    session.run("python", "tests/audit.py")


@nox.session
def schemas(session: nox.Session) -> None:
    """Write what is made of the protocol's classes: its schemas, and the tables of its page."""
    install(session, "test")
    session.run("python", "tests/protocol_files.py")


@nox.session
def bench(session: nox.Session) -> None:
    """How fast is it on this machine? The measurements of docs/performance.md, beside others'."""
    install(session, "bench")
    session.run("python", "-m", "tests.benchmarks", *session.posargs)


@nox.session
def campaign(session: nox.Session) -> None:
    """Does it keep its promises in long searches, too? Arguments name some of tests/campaigns."""
    install(session, "test")
    session.run("python", "-m", "tests.campaigns", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Does it take any bytes? Five minutes for each target; arguments are for all of them."""
    install(session, "fuzz")
    session.run("python", "-m", "tests.campaigns.fuzz", "all", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """Replay the bids of real auctions, as README.md does."""
    install(session)
    arguments = session.posargs or ["--bids", "docs/examples/ebay-bids.csv"]
    session.run("atomic-store", "demo", *arguments)
