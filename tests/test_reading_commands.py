"""`atomic-store scopes`, `events` and `verify`: what they find and how they say it."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from atomic_store import JsonEvent
from atomic_store.cli import main
from atomic_store.cli.output import printable
from command_line import (
    HOSTILE,
    called,
    journal_lines,
    lines_of,
    refusal,
)
from inspector_app import Said, make_store

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

    def test_other_orders(self, auctioned: Path) -> None:
        """By name, number of events, last position or time; backwards; so many at most."""
        everything = [json.loads(line) for line in lines_of(called("scopes", auctioned, "--json"))]
        keys = {"name": "scope", "events": "sequence", "position": "position", "time": "at"}
        for sort, key in keys.items():
            expected = sorted(everything, key=lambda scope, key=key: (scope[key], scope["scope"]))  # type: ignore[misc]  # mypy infers no lambda with a default
            for more, chosen in (
                ([], expected),
                (["--reverse"], expected[::-1]),
                (["--limit=2"], expected[:2]),
                (["--reverse", "--limit=3"], expected[:-4:-1]),
                (["--limit=0"], []),
                (["--reverse", "--limit=0"], []),
            ):
                run = called("scopes", auctioned, "--json", "--sort", sort, *more)
                assert chosen == [json.loads(line) for line in lines_of(run)], (sort, more)

    def test_many_scopes(self, auctioned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """However they lie in pages."""
        expected = lines_of(called("scopes", auctioned))
        monkeypatch.setattr(sys.modules["atomic_store.cli.scopes"], "PAGE_SCOPES", 2)
        assert expected == lines_of(called("scopes", auctioned))
        assert expected[:3] == lines_of(called("scopes", auctioned, "--limit=3"))
        assert expected[::-1] == lines_of(called("scopes", auctioned, "--reverse"))


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

    def test_filters_prefixes_and_backwards(self, auctioned: Path) -> None:
        """What matches, of scopes that begin so, the last one first."""
        records = [json.loads(line) for line in journal_lines(auctioned)]
        bids = [r["position"] for r in records if r["type"] == "Bid" and r["scope"] != "lot-1"]

        def found(*arguments: str) -> list[int]:
            run = called("events", auctioned, "--json", *arguments)
            return [json.loads(line)["position"] for line in lines_of(run)]

        assert bids == found("--where", "type = Bid and not scope = lot-1")
        assert bids[:-4:-1] == found(
            "--where=type=Bid scope!=lot-1", "--prefix=lot-", "--reverse", "--limit=3"
        )
        assert [] == found("--prefix=car-")
        assert [] == found("--where", 'data.bidder = "nobody"', "--scope=lot-1")

    def test_one_record_of_a_scope(self, auctioned: Path) -> None:
        """By its sequence, which needs the scope."""
        (line,) = lines_of(called("events", auctioned, "--scope=lot-2", "--sequence=7", "--json"))
        assert ("lot-2", 7) == (json.loads(line)["scope"], json.loads(line)["sequence"])
        both = ("--scope=lot-2", "--sequence=7", "--where=type = Opened")
        assert [] == lines_of(called("events", auctioned, *both))
        assert "expected --scope, too" in refusal(called("events", auctioned, "--sequence=7"))

    def test_csv(self, auctioned: Path) -> None:
        """A row of names and one for each record; the names also where there is none."""
        printed = called("events", auctioned, "--csv", "--limit=2").stdout.decode()
        header, *rows = csv.reader(io.StringIO(printed, newline=""))
        records = [json.loads(line) for line in journal_lines(auctioned)[:2]]

        assert [record["scope"] for record in records] == [
            row[header.index("scope")] for row in rows
        ]
        assert json.loads(rows[0][header.index("data")]) == records[0]["data"]
        none = called("events", auctioned, "--csv", "--where=type = Nothing").stdout.decode()
        assert [header] == list(csv.reader(io.StringIO(none, newline="")))
        assert "found both" in refusal(called("events", auctioned, "--csv", "--json"))

    def test_what_belongs_together(self, tmp_path: Path) -> None:
        """By correlation or causation, over scopes, and by a filter besides."""
        path = make_store(
            tmp_path / "s",
            (
                Said(f"s{n}", JsonEvent("A", {"n": n}), {kind: id_})
                for n, (kind, id_) in enumerate(
                    [("correlation", "x"), ("causation", "x"), ("correlation", "y"), ("other", "x")]
                )
            ),
        )

        def found(*arguments: str) -> list[int]:
            lines = lines_of(called("events", path, "--json", *arguments))
            return [json.loads(line)["position"] for line in lines]

        assert [1, 2] == found("--correlation=x")
        assert [2] == found("--correlation=x", "--where=data.n > 0")
        assert [1, 2] == found("--correlation=x", "--where=")
        assert [] == found('--correlation=" or scope = s3')
        assert "expected" in refusal(called("events", path, "--correlation", "x" * 5_000))

    def test_at_a_time(self, auctioned: Path) -> None:
        """The first record not before it, or backwards the last one not after it."""
        records = [json.loads(line) for line in journal_lines(auctioned)]
        at = records[len(records) // 2]["at"]
        first = next(r["position"] for r in records if r["at"] >= at)
        last = [r["position"] for r in records if r["at"] <= at][-1]
        for more, expected in (([], first), (["--reverse"], last)):
            run = called("events", auctioned, "--json", "--limit=1", "--at", at, *more)
            assert [expected] == [json.loads(line)["position"] for line in lines_of(run)]
        assert [] == lines_of(called("events", auctioned, "--at", "2999-01-01"))
        assert [] == lines_of(called("events", auctioned, "--at", "1999-01-01", "--reverse"))

    def test_what_is_no_filter_is_shown_where(self, auctioned: Path) -> None:
        """Exit 2; a caret stands under the place."""
        run = called("events", auctioned, "--where", "type = Bid and cents > 5")
        lines = refusal(run).splitlines()

        assert "Invalid value for '--where': at offset 15: expected a term" in lines[0]
        assert lines[1].index("cents") == lines[2].index("^")
        assert 2 == run.returncode

    def test_a_scope_and_a_prefix_exclude_each_other(self, auctioned: Path) -> None:
        """Exit 2."""
        for command in ("events", "tail"):
            run = called(command, auctioned, "--scope=a", "--prefix=b")
            assert "expected --scope or --prefix, found both" in refusal(run)
            assert 2 == run.returncode

    def test_a_long_search_shows_how_far_it_is(
        self, auctioned: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Up to the end, forwards and backwards."""
        shown: list[tuple[int, int]] = []

        class Bar:
            def __call__(self, done: int, total: int) -> None:
                shown.append((done, total))

            def clear(self) -> None: ...

        module = sys.modules["atomic_store.cli.events"]
        monkeypatch.setattr(module, "progress", lambda _: nullcontext(Bar()))
        records = len(journal_lines(auctioned))
        for more in ([], ["--reverse"], ["--after=5"]):
            shown.clear()
            called("events", auctioned, "--where", "data.bidder = nobody", *more)
            assert all(0 <= done <= total == records for done, total in shown)
            assert shown[-1][0] >= records - 5

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
        """It says where the damage is."""
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
