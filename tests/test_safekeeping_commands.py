"""`atomic-store backup`, `restore`, `repair`, `export`, `import`: what they say, how they end."""

from __future__ import annotations

import errno
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from atomic_store.cli.new_file import new_file
from atomic_store.errors import TargetRefused
from command_line import HOSTILE, called, command, environment, journal_lines, lines_of, refusal

pytest_plugins = ("cli_stores",)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names() -> list[str]:
    """What is in the working directory."""
    return sorted(path.name for path in Path().iterdir())


def damaged(store: Path) -> Path:
    """A store of which a record in the middle was changed."""
    segment = store / "journal" / f"{1:020}.jsonl"
    content = segment.read_bytes()
    at = content.index(b"\n", len(content) // 2) + 30
    segment.write_bytes(content[:at] + b"\x07" + content[at + 1 :])
    return store


class TestExportAndImport:
    def test_there_and_back(self, auctioned: Path, place: Path) -> None:
        """What was exported is imported, and exported again it is the same file."""
        (said,) = lines_of(called("export", auctioned, "-o", "a.jsonl"))
        made = lines_of(called("import", "a.jsonl", "b.store"))
        again = called("export", "b.store")
        content = (place / "a.jsonl").read_bytes()

        assert content == again.stdout
        *records, end = content.splitlines()
        assert [json.loads(line)["id"] for line in journal_lines(auctioned)] == [
            json.loads(line)["id"] for line in records
        ]
        assert f"a.jsonl: {len(records):,} records, SHA-256 {json.loads(end)['sha256']}" == said
        assert f"b.store: {len(records):,} records of 5 scopes" == made[0]
        assert ["a.jsonl", "b.store"] == names()
        assert 0o600 == (place / "a.jsonl").stat().st_mode & 0o777

    def test_some_scopes(self, auctioned: Path, place: Path) -> None:
        """All of some scopes can be imported; what a filter leaves has gaps, and is refused."""
        lines_of(called("export", auctioned, "--prefix", "lot-3", "-o", "some.jsonl"))
        assert lines_of(called("import", "some.jsonl", "some.store"))
        lines_of(called("export", auctioned, "--where", "type = Bid", "-o", "gaps.jsonl"))
        run = called("import", "gaps.jsonl", "gaps.store")

        assert "gaps.jsonl, line 1: expected sequence 1 of scope" in refusal(run)
        assert 2 == run.returncode
        assert not (place / "gaps.store").exists()

    def test_no_such_scope(self, auctioned: Path, place: Path) -> None:
        """A scope of which there is no record is told, and no file is made."""
        run = called("export", auctioned, "--scope", "lot-x", "-o", "x.jsonl")

        assert (1, "expected the scope 'lot-x', found no record" in refusal(run)) == (
            run.returncode, True,
        )  # fmt: skip
        assert [] == names()

    def test_a_terminal_is_not_commanded(self, hostile: Path) -> None:
        """On a terminal all is written as escapes, and means the same; in a file, as it is."""
        plain = called("export", hostile)
        shown = _on_terminal(hostile)

        assert HOSTILE.encode()[5:8] in plain.stdout
        assert all(c.isprintable() or c == "\n" for c in shown.decode())
        plain_records, shown_records = (
            [json.loads(line) for line in text.splitlines()[:-1]] for text in (plain.stdout, shown)
        )
        assert plain_records == shown_records

    def test_what_is_there_is_left_alone(self, auctioned: Path, place: Path) -> None:
        """A file that is there is not written over."""
        (place / "mine").write_text("mine")
        run = called("export", auctioned, "-o", "mine")

        assert "expected nothing at mine, found something" in refusal(run)
        assert (2, "mine") == (run.returncode, (place / "mine").read_text())

    @pytest.mark.parametrize(
        "arguments",
        [
            ("export", "{}", "-o", ""),
            ("export", "{}", "-o", "nowhere/x.jsonl"),
            ("export", "{}", "--scope", "a", "--prefix", "b"),
            ("import", "nothing.jsonl", "x.store"),
            ("import", "{}/store.json", "x.store"),
            ("import", "{}", "x.store"),
            ("backup", "{}", ""),
            ("backup", "nothing", "x"),
            ("backup", "{}", "x", "--to", "-1"),
            ("backup", "{}", "x", "--to", "1000000"),
            ("backup", "{}", "nowhere/x"),
            ("restore", "{}", "x", "--until", "soon"),
            ("restore", "{}", "x", "--until", "1000000"),
            ("restore", "{}", "{}/x"),
            ("repair", "{}", "{}"),
        ],
    )
    def test_what_cannot_be_done(
        self, arguments: tuple[str, ...], auctioned: Path, place: Path
    ) -> None:
        """What cannot be done is exit code 2 with one reason, and leaves nothing behind."""
        run = called(*(argument.replace("{}", str(auctioned)) for argument in arguments))

        assert refusal(run)
        assert 2 == run.returncode
        assert [] == names()


def _on_terminal(store: Path) -> bytes:
    """What is printed on a terminal."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        command("export", store), stdout=child, stderr=subprocess.PIPE, env=environment()
    )
    os.close(child)
    parts = []
    try:
        while part := os.read(parent, 65536):
            parts.append(part)
    except OSError as error:
        # A terminal whose other end is closed.
        if error.errno != errno.EIO:
            raise
    os.close(parent)
    _, complaint = process.communicate(timeout=60)
    assert (b"", 0) == (complaint, process.returncode)
    return b"".join(parts).replace(b"\r\n", b"\n")


class TestBackupAndRestore:
    def test_a_life(self, auctioned: Path, place: Path) -> None:
        """A backup grows, is verified, is not written to, and is restored up to a moment."""
        total = len(journal_lines(auctioned))
        first = lines_of(called("backup", auctioned, "b", "--to", "100"))
        more = lines_of(called("backup", auctioned, "b"))
        checked = lines_of(called("verify", "b"))
        refused = called("demo", "--store", "b")
        done = lines_of(called("restore", "b", "r", "--until", "100"))
        (before,) = re.findall(r"position (\d+),", first[-1])
        rest = total - 100

        assert first[0].startswith(f"b: {before} records, ")
        assert 0 < int(before) <= 100
        assert more[0].startswith(f"b: {total - int(before):,} records more, ")
        assert ["b: not damaged", more[1]] == [checked[0], checked[-1]]
        assert (2, True) == (refused.returncode, "found a backup of one" in refusal(refused))
        assert done[0].startswith("r: 100 records, the last one at 20")
        assert f"left out: {rest:,} records, positions 101 to {total:,}" == done[1]
        assert lines_of(called("verify", "r"))[-1] == done[-1]
        assert 0 == called("demo", "--store", "r", "--lots", "1").returncode

    def test_until_a_time(self, auctioned: Path, place: Path) -> None:
        """A time leaves out what came after it; none is left of a store before it began."""
        done = lines_of(called("restore", auctioned, "r", "--until", "2001-01-01"))

        assert "r: 0 records" == done[0]

    def test_damage(self, copy: Path, place: Path) -> None:
        """A damaged store is neither backed up nor restored; where it is damaged is told."""
        for tool in ("backup", "restore"):
            run = called(tool, damaged(copy), "x")

            assert "`atomic-store repair` makes a new store" in refusal(run)
            assert 1 == run.returncode
        assert not (place / "x").exists()

    def test_damage_behind_the_moment(self, copy: Path, place: Path) -> None:
        """Damage in what is left out is told on stderr, and the store is made."""
        run = called("restore", damaged(copy), "r", "--until", "10")

        assert (0, b"r: 10 records" in run.stdout) == (run.returncode, True)
        assert b"what was left out is damaged" in run.stderr


class TestRepair:
    def test_nothing_is_left_out(self, auctioned: Path, place: Path) -> None:
        """A sound store is repaired with exit code 0."""
        lines = lines_of(called("repair", auctioned, "r"))

        assert f"r: kept {len(journal_lines(auctioned)):,} records of 5 scopes; " in lines[0]
        assert lines_of(called("verify", "r"))[-1] == lines[-1]
        assert not (place / "r" / "left-out.jsonl").exists()

    def test_what_is_left_out(self, copy: Path, place: Path) -> None:
        """What is left out is told, line by line, in a file, and as JSON; exit code 1."""
        run = called("repair", damaged(copy), "r")
        as_json = called("repair", copy, "j", "--json")
        lines = run.stdout.decode().splitlines()
        value = json.loads(as_json.stdout)
        in_file = [
            json.loads(line) for line in (place / "j/left-out.jsonl").read_bytes().splitlines()
        ]

        assert (1, b"", 1, b"") == (run.returncode, run.stderr, as_json.returncode, as_json.stderr)
        assert lines[0].startswith(f"left out: {copy}/journal/")
        assert f"what was left out is in {place}/r/left-out.jsonl" in lines
        assert value["told"] == in_file[: len(value["told"])]
        assert value["left_out"] + value["missing"] + value["head"]["position"] == len(
            journal_lines(copy)
        ) + (not in_file[0]["text"].startswith('{"position":'))
        assert value["cut"][0]["left_out"] == value["left_out"]
        assert [f"head: position {value['head']['position']}"] == [lines[-1].partition(",")[0]]

    def test_much_is_left_out(
        self, copy: Path, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of very much only the beginning is printed for people."""
        monkeypatch.setattr(sys.modules["atomic_store.cli.repair"], "LINES_MAX", 0)
        lines = called("repair", damaged(copy), "r").stdout.decode().splitlines()

        assert "left out: and more; all of it is in" in lines[0]
        assert "1 more scope cut in the same way" == lines[1]

    def test_nothing_to_repair(self, copy: Path, place: Path) -> None:
        """Without any segment there is nothing to be repaired: exit code 2."""
        shutil.rmtree(copy / "journal")
        run = called("repair", copy, "r")

        assert "nothing can be repaired" in refusal(run)
        assert 2 == run.returncode


class TestNewFile:
    def test_without_links(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """On a file system without links the file is renamed, and never over another one."""

        def refuse(self: Path, target: Path) -> None:
            raise PermissionError(errno.EPERM, "no links here")

        monkeypatch.setattr(Path, "hardlink_to", refuse)
        with new_file(Path("a")) as file:
            file.write(b"1")
        with pytest.raises(TargetRefused), new_file(Path("b")) as file:
            Path("b").write_text("mine")

        assert (b"1", "mine") == (Path("a").read_bytes(), Path("b").read_text())
        assert ["a", "b"] == names()

    def test_what_comes_meanwhile(self, place: Path) -> None:
        """What comes to its place meanwhile is left alone."""
        with pytest.raises(TargetRefused), new_file(Path("a")):
            Path("a").write_text("mine")

        assert (["a"], "mine") == (names(), Path("a").read_text())

    def test_given_up(self, place: Path) -> None:
        """A file that is given up is not there."""
        with pytest.raises(KeyboardInterrupt), new_file(Path("a")) as file:
            file.write(b"half")
            raise KeyboardInterrupt

        assert [] == names()


def test_a_full_stdout(auctioned: Path) -> None:
    """An export to a disk that is full is no success."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no device that is always full")
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(
            command("export", auctioned), stdout=full, stderr=subprocess.PIPE, env=environment()
        )

    assert 2 == run.returncode
    assert b"cannot write to stdout: No space left on device" in run.stderr
