"""What holds for every command: exit codes, where output goes, what reaches a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from atomic_store import JsonEvent, open_store
from command_line import (
    HOSTILE,
    READING,
    atomic_store,
    called,
    command,
    environment,
    lines_of,
    refusal,
)

pytest_plugins = ("cli_stores",)


class TestEveryCommand:
    """What holds for all of them."""

    @pytest.mark.parametrize("name", ["", "demo", "tail", *READING])
    def test_has_help(self, name: str) -> None:
        """`--help` says how it is used, on stdout."""
        lines = lines_of(called(*filter(None, [name]), "--help"))

        assert lines[0].startswith(f"Usage: atomic-store {name}".rstrip() + " [OPTIONS]")

    def test_the_version_is_told(self) -> None:
        """`--version` names the program and its version."""
        (line,) = lines_of(called("--version"))

        assert re.fullmatch(r"atomic-store [0-9]+\.[0-9]+\.[0-9]+.*", line)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "Missing command."),
            (["sing"], "No such command 'sing'."),
            (["events"], "Missing argument 'STORE'."),
            (["events", ".", "--loud"], "No such option"),
            (["events", ".", "--limit", "-1"], "Invalid value for '--limit'"),
            (["events", ".", "--after", "x"], "Invalid value for '--after'"),
            (["events", ".", "--at", "noon"], "Invalid value for '--at': expected a time: 2026-"),
            (["scopes", ".", "--sort", "size"], "Invalid value for '--sort'"),
            (["tail", ".", "--lines", "-1"], "Invalid value for '--lines'"),
            (["demo", "--bidders", "0"], "Invalid value for '--bidders'"),
            (["\x1b[31m"], "No such command '\\x1b[31m'."),
        ],
    )
    def test_a_wrong_call_is_exit_2(self, arguments: list[str], message: str) -> None:
        """The message says what is wrong, and where help is."""
        run = called(*arguments)

        assert message in refusal(run)
        assert "--help` says what can be asked." in run.stderr.decode()
        assert 2 == run.returncode

    @pytest.mark.parametrize("name", ["tail", *READING])
    @pytest.mark.parametrize("what", ["nothing", "file", "empty", "other", "under a file"])
    def test_what_is_no_store_is_exit_2(self, name: str, what: str, tmp_path: Path) -> None:
        """No such path, a file, an empty directory, one of something else: left as it is."""
        place = tmp_path / "place"
        if what in ("file", "under a file"):
            place.write_text("hello")
        elif what != "nothing":
            place.mkdir()
        if what == "other":
            (place / "letter.txt").write_text("hello")
        path = place / "store" if what == "under a file" else place
        before = sorted(tmp_path.rglob("*"))
        run = called(name, path)

        assert str(path) in refusal(run)
        assert 2 == run.returncode
        assert before == sorted(tmp_path.rglob("*"))

    def test_a_demo_on_what_is_no_store_is_exit_2(self, tmp_path: Path) -> None:
        """A directory of something else is not made a store."""
        (tmp_path / "letter.txt").write_text("hello")
        run = called("demo", "--store", tmp_path)

        assert run.stderr.startswith(b"atomic-store: expected a store or an empty directory at ")
        assert 2 == run.returncode
        assert [tmp_path / "letter.txt"] == list(tmp_path.iterdir())

    @pytest.mark.parametrize("arguments", [("verify", ""), ("demo", "--store", "")])
    def test_an_empty_path_is_exit_2(self, arguments: tuple[str, ...]) -> None:
        """It does not mean this directory."""
        run = called(*arguments)

        assert "expected the path of a store, found an empty one" in refusal(run)
        assert 2 == run.returncode

    @pytest.mark.parametrize("arguments", [("verify",), ("demo", "--store")])
    def test_complaints_are_short(self, arguments: tuple[str, ...]) -> None:
        """A path that is far too long is not repeated whole."""
        run = called(*arguments, "x" * 65_536)

        assert len(refusal(run)) < 1_100
        assert 2 == run.returncode

    @pytest.mark.parametrize("name", READING)
    async def test_reads_beside_a_live_writer(self, name: str, tmp_path: Path) -> None:
        """Without the writer's lock; and the writer goes on."""
        async with open_store(tmp_path / "s", events=None) as store:
            event = JsonEvent("Said", {})
            await store.store_if_valid(event, lambda request: request.accept(), scope="a")
            run = await trio.to_thread.run_sync(atomic_store, name, tmp_path / "s")
            await store.store_if_valid(event, lambda request: request.accept(), scope="a")

        assert [] != lines_of(run)

    async def test_a_demo_beside_a_live_writer_is_exit_2(self, tmp_path: Path) -> None:
        """A store has one writer."""
        async with open_store(tmp_path / "s", events=None):
            run = await trio.to_thread.run_sync(atomic_store, "demo", "--store", tmp_path / "s")

        assert b"atomic-store: " in run.stderr
        assert b"Traceback" not in run.stderr
        assert 2 == run.returncode

    @pytest.mark.parametrize("form", [(), ("--json",)])
    @pytest.mark.parametrize("name", READING)
    def test_no_character_commands_the_terminal(
        self, name: str, form: tuple[str, ...], hostile: Path
    ) -> None:
        """What is not printable is written as a number, in JSON with the same meaning."""
        run = atomic_store(name, hostile, *form)

        assert "".join(lines_of(run)).isprintable()
        if form and name != "verify":
            assert HOSTILE in [json.loads(line)["scope"] for line in run.stdout.splitlines()]

    @pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
    def test_needs_no_locale(self, encoding: str, hostile: Path) -> None:
        """JSON is UTF-8 always; for people, what cannot be encoded is written as a number."""
        env = {"LC_ALL": "C", "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
        as_json = atomic_store("scopes", hostile, "--json", env=env)
        human = atomic_store("scopes", hostile, env=env)

        assert "é" in [json.loads(line)["scope"] for line in as_json.stdout.splitlines()]
        assert (0, 0) == (as_json.returncode, human.returncode)
        assert {"ascii": b"  \\xe9\n", "latin-1": b"  \xe9\n"}[encoding] in human.stdout

    @pytest.mark.parametrize("arguments", [("events",), ("events", "--json")])
    def test_a_reader_who_leaves_is_no_error(
        self, arguments: tuple[str, ...], auctioned: Path
    ) -> None:
        """As with `| head -1`: it ends at once, with the code of a SIGPIPE, in silence."""
        read_end, write_end = os.pipe()
        # All of the output would fit into a pipe of the usual size.
        fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)
        with (
            subprocess.Popen(
                command(*arguments, auctioned),
                stdout=write_end, stderr=subprocess.PIPE, env=environment(),
            ) as process,
            os.fdopen(read_end, "rb", buffering=0) as output,
        ):  # fmt: skip
            os.close(write_end)
            assert process.stderr is not None
            assert b"" != output.read(1)
            output.close()
            stderr = process.stderr.read()

        assert (b"", 141) == (stderr, process.returncode)

    @pytest.mark.parametrize("name", ["scopes", "verify", "demo"])
    def test_a_reader_who_was_never_there_is_no_error(
        self, name: str, auctioned: Path, tmp_path: Path
    ) -> None:
        """A pipe that is closed from the start is as quiet as one that closes later."""
        place = ("--store", tmp_path / "s") if name == "demo" else (auctioned,)
        read_end, write_end = os.pipe()
        os.close(read_end)
        try:
            run = subprocess.run(
                command(name, *place),
                stdout=write_end, stderr=subprocess.PIPE, env=environment(), timeout=60,
            )  # fmt: skip
        finally:
            os.close(write_end)

        assert (b"", 141) == (run.stderr, run.returncode)

    @pytest.mark.parametrize("name", ["demo", "tail", *READING, "--help", "--version"])
    def test_a_full_disk_under_stdout_is_exit_2(
        self, name: str, auctioned: Path, tmp_path: Path
    ) -> None:
        """What could not be printed is not passed over."""
        place = {"demo": ("--store", tmp_path / "s"), "--help": (), "--version": ()}
        with Path("/dev/full").open("wb") as full:
            run = subprocess.run(
                command(name, *place.get(name, (auctioned,))),
                stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=60,
            )  # fmt: skip

        message = b"atomic-store: cannot write to stdout: No space left on device\n"
        assert (message, 2) == (run.stderr, run.returncode)

    def test_a_closed_stdout_is_exit_2(self, auctioned: Path) -> None:
        """There is nowhere to print to."""
        run = subprocess.run(
            ["sh", "-c", 'exec "$0" "$@" >&-', *command("scopes", auctioned)],
            stderr=subprocess.PIPE, env=environment(), timeout=60,
        )  # fmt: skip

        assert b"atomic-store: cannot write to stdout: it is closed\n" == run.stderr
        assert 2 == run.returncode

    def test_nowhere_to_complain_to_keeps_the_exit_code(self, tmp_path: Path) -> None:
        """Standard error full or closed: the code says it."""
        for redirection in ("2>/dev/full", "2>&-"):
            call = ["sh", "-c", f'exec "$0" "$@" {redirection}', *command("verify", tmp_path)]
            assert 2 == subprocess.run(call, env=environment(), timeout=60).returncode

    def test_the_library_does_without_the_command_line(self) -> None:
        """`import atomic_store` pulls in neither click nor the commands."""
        code = "import atomic_store, sys; print({'click', 'atomic_store.cli'} & set(sys.modules))"
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, env=environment(), timeout=60
        )

        assert (b"set()\n", b"") == (run.stdout, run.stderr)
