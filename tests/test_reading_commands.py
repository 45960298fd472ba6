"""`atomic-store scopes`, `events` and `verify`: what they find and how they say it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from atomic_store.cli import main
from atomic_store.cli.output import printable
from command_line import (
    HOSTILE,
    called,
    journal_lines,
    lines_of,
    refusal,
)

pytest_plugins = ("cli_stores",)


class TestScopes:
    """`atomic-store scopes`."""

    def test_lists_where_each_scope_ends(self, auctioned: Path) -> None:
        """One line a scope: events, last position, last time, name."""
        lines = [line.split() for line in lines_of(called("scopes", auctioned))]
        last = {record["scope"]: record for record in map(json.loads, journal_lines(auctioned))}

        expected = {
            (str(r["sequence"]), str(r["position"]), r["at"], r["scope"]) for r in last.values()
        }
        assert 5 == len(lines)
        assert expected == set(map(tuple, lines))

    def test_as_json(self, auctioned: Path) -> None:
        """The same as one JSON object a line."""
        scopes = [json.loads(line) for line in lines_of(called("scopes", auctioned, "--json"))]
        last = {record["scope"]: record for record in map(json.loads, journal_lines(auctioned))}

        keys = ("scope", "sequence", "position", "at")
        assert [{key: last[s["scope"]][key] for key in keys} for s in scopes] == scopes
        assert sorted(last) == [scope["scope"] for scope in scopes]

    def test_prefix_chooses(self, auctioned: Path) -> None:
        """Only scopes that begin with it; that there is none is an answer."""
        assert 1 == len(lines_of(called("scopes", auctioned, "--prefix", "lot-3")))
        assert [] == lines_of(called("scopes", auctioned, "--prefix", "car-"))


class TestEvents:
    """`atomic-store events`."""

    def test_json_is_the_journals_line_without_checksums(self, auctioned: Path) -> None:
        """Byte by byte, but for `commit` and `crc`."""
        printed = called("events", auctioned, "--json").stdout.splitlines()
        stored = [
            re.sub(rb'(,"commit":"[0-9a-f]{32}")?,"crc":"[0-9a-f]{8}"}$', b"}", line)
            for line in journal_lines(auctioned)
        ]

        assert stored == printed

    def test_for_people_it_is_one_line_a_record(self, auctioned: Path) -> None:
        """Position, time, scope and sequence, type, data."""
        line = lines_of(called("events", auctioned, "--limit", "1"))[0]
        record = json.loads(journal_lines(auctioned)[0])

        data = json.dumps(record["data"], separators=(",", ":"))
        assert f"       1  {record['at']}  {record['scope']} #1  Opened  {data}" in line

    def test_scope_after_and_limit_choose(self, auctioned: Path) -> None:
        """Of one scope, behind a position, so many at most."""
        all_lines = [json.loads(line) for line in journal_lines(auctioned)]
        of_lot = [r["position"] for r in all_lines if r["scope"] == "lot-2"]
        chosen = called(
            "events", auctioned, "--json", "--scope=lot-2", "--after", str(of_lot[4]), "--limit=3"
        )

        assert of_lot[5:8] == [json.loads(line)["position"] for line in lines_of(chosen)]

    @pytest.mark.parametrize("more", [("--after", "10000000000000000000000"), ("--limit", "0")])
    def test_nothing_is_an_answer(self, more: tuple[str, str], auctioned: Path) -> None:
        """Behind the end there is nothing, and no more than 0 is nothing."""
        assert [] == lines_of(called("events", auctioned, *more))
        assert [] == lines_of(called("events", auctioned, "--scope=lot-1", *more))

    @pytest.mark.parametrize("scope", ["lot-99", "../../etc/passwd", "LOT-1", HOSTILE, "x" * 512])
    def test_an_unknown_scope_is_said_to_be_unknown(self, scope: str, auctioned: Path) -> None:
        """Exit 1, and no file is looked for by that name."""
        run = called("events", auctioned, "--scope", scope)

        assert ": expected the scope " in refusal(run)
        assert run.stderr.decode().rstrip().isprintable()
        assert 1 == run.returncode

    @pytest.mark.parametrize("scope", ["", "x" * 513, "x" * 65_536, b"\xff"])
    def test_what_can_be_no_scope_is_refused(self, scope: str | bytes, auctioned: Path) -> None:
        """Exit 2, with what was expected, and not all of it repeated."""
        run = called("events", auctioned, "--scope", os.fsdecode(scope))

        assert "Invalid value for '--scope': scope: expected " in refusal(run)
        assert len(run.stderr) < 500
        assert 2 == run.returncode

    def test_nul_in_a_scope_is_refused(
        self, auctioned: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """No shell can pass one on, but a caller of `main` can."""
        assert 2 == main(["events", str(auctioned), "--scope", "a\0b"])
        assert "expected 1 to 512 bytes of UTF-8 without NUL" in capsys.readouterr().err

    def test_says_what_stands_beside_the_data(self, hostile: Path) -> None:
        """Metadata and meta are shown; what is long is cut, and says so."""
        line = lines_of(called("events", hostile, "--scope", "é"))[0]

        assert "é #1  Said  {" in line
        assert " characters)  metadata {" in line
        assert '  meta "' in line

    def test_damage_on_the_way_is_exit_1(self, copy: Path) -> None:
        """What lies before the damage is printed, then it says where the damage is."""
        segment = flip_byte_in_the_middle(copy)
        run = called("events", copy)

        assert 1 == run.returncode
        assert f"atomic-store: {segment} is damaged at offset ".encode() in run.stderr
        assert b"`atomic-store verify` finds all damage." in run.stderr


def flip_byte_in_the_middle(store: Path) -> Path:
    """Change one bit in the middle of a store's first segment."""
    segment = min((store / "journal").glob("*.jsonl"))
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    return segment


class TestVerify:
    """`atomic-store verify`."""

    def test_an_intact_store_has_a_head(self, auctioned: Path) -> None:
        """Counts, position and commit value; exit 0."""
        lines = lines_of(called("verify", auctioned))
        records = len(journal_lines(auctioned))

        assert f"{auctioned}: not damaged" == lines[0]
        assert lines[1].startswith(f"{records:,} records of 5 scopes in 1 segment, ")
        assert re.fullmatch(rf"head: position {records}, commit [0-9a-f]{{32}}", lines[2])

    def test_as_json(self, auctioned: Path) -> None:
        """The same as one JSON object."""
        (line,) = lines_of(called("verify", auctioned, "--json"))
        found = json.loads(line)

        assert (len(journal_lines(auctioned)), 5, 1) == (
            found["records"],
            found["scopes"],
            found["segments"],
        )
        assert found["records"] == found["head"]["position"]
        assert ([], []) == (found["notes"], found["damage"])

    def test_damage_is_exit_1_and_said_where(self, copy: Path) -> None:
        """File, offset, line, what was expected and what found; also as JSON."""
        segment = flip_byte_in_the_middle(copy)
        run, as_json = called("verify", copy), called("verify", copy, "--json")
        damage = json.loads(as_json.stdout)["damage"]

        assert (1, 1, b"", b"") == (run.returncode, as_json.returncode, run.stderr, as_json.stderr)
        assert str(segment) == damage[0]["path"]
        shown = (
            f"{segment}: offset {damage[0]['offset']}, line {damage[0]['line']}: "
            f"expected {damage[0]['expected']}, found {damage[0]['found']}"
        )
        assert printable(shown) == run.stdout.decode().splitlines()[0]
        assert (
            f"{copy}: damaged in {len(damage)} place{'' if len(damage) == 1 else 's'}"
            in run.stdout.decode().splitlines()
        )

    def test_a_torn_tail_is_a_note(self, copy: Path) -> None:
        """What a crash leaves behind is no damage: exit 0."""
        segment = max((copy / "journal").glob("*.jsonl"))
        data = segment.read_bytes()
        # The close line goes, and half of the last record.
        cut = data.rindex(b'{"position":')
        segment.write_bytes(data[: cut + 40])
        lines = lines_of(called("verify", copy))

        assert lines[0].startswith("note: ")
        assert f"{copy}: not damaged" == lines[1]
