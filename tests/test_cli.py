"""The command line: what goes where, what is refused, and with which exit code."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from atomic_store import JournalCorrupt, JournalFailed, JsonEvent, StoreClosed, open_store
from atomic_store.cli import main
from atomic_store.cli.ending import ended
from atomic_store.cli.output import OutputClosed, printable, safe_json, shortened
from atomic_store.cli.progress import Progress, bar

ROOT = Path(__file__).parent.parent
REAL_BIDS = ROOT / "docs" / "examples" / "ebay-bids.csv"
HEADER = "lot,bid,days_after_open,bidder,opening_bid,final_price,item\n"
READING = ("scopes", "events", "verify")

# A name that would colour a terminal, move its cursor, and turn its writing around.
HOSTILE = "\x1b[31mred\x9b2J\u202eevil\x7f\u2028\t"
COUNTS = re.compile(
    r"(?P<bids>[\d,]+) bids?: (?P<accepted>[\d,]+) accepted, (?P<refused>[\d,]+) refused, "
    r"(?P<duplicates>[\d,]+) duplicates?; [\d,]+ durable decisions in [\d.]+ s, [\d,]+ a second"
)


def atomic_store(
    *arguments: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run the real program to its end."""
    return subprocess.run(
        command(*arguments), capture_output=True, cwd=cwd, env=environment(env), timeout=120
    )


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "atomic_store", *map(str, arguments)]


def environment(more: dict[str, str] | None = None) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **(more or {})}


def lines_of(run: subprocess.CompletedProcess[bytes]) -> list[str]:
    """What it printed, if all went well."""
    assert (b"", 0) == (run.stderr, run.returncode)
    return run.stdout.decode().splitlines()


def refusal(run: subprocess.CompletedProcess[bytes]) -> str:
    """What it complained of: on stderr alone, each line with the program's name."""
    complaint = run.stderr.decode()
    assert b"" == run.stdout
    assert all(line.startswith("atomic-store: ") for line in complaint.splitlines())
    return complaint


def counts(lines: list[str]) -> tuple[int, int, int, int]:
    """Bids, accepted, refused and duplicates, as the demo counted them."""
    (match,) = filter(None, map(COUNTS.fullmatch, lines))
    bids, accepted, refused, duplicates = (int(n.replace(",", "")) for n in match.groups())
    return bids, accepted, refused, duplicates


def journal_lines(store: Path) -> list[bytes]:
    """The lines of all records, as they lie on disk."""
    segments = sorted((store / "journal").glob("*.jsonl"))
    lines = [line for segment in segments for line in segment.read_bytes().split(b"\n")]
    return [line for line in lines if line.startswith(b'{"position":')]


@pytest.fixture(scope="module")
def auctioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which an auction of 2,000 bids was held; not to be changed."""
    store = tmp_path_factory.mktemp("auction") / "auction.store"
    run = atomic_store("demo", "--store", store, "--bidders", "100", "--bids-per-bidder", "20")
    assert 2_000 == counts(lines_of(run))[0]
    return store


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose scopes and data try to command terminals; not to be changed."""
    store = tmp_path_factory.mktemp("hostile") / "hostile.store"

    async def fill() -> None:
        async with open_store(store, events=None) as opened:
            for scope in (HOSTILE, "../../etc/passwd", "é"):
                await opened.store_if_valid(
                    JsonEvent("Said", {"text": HOSTILE, "long": "x" * 300}),
                    lambda request: request.accept(meta=HOSTILE),
                    scope=scope,
                    metadata={HOSTILE: 1},
                )

    trio.run(fill)
    return store


@pytest.fixture
def copy(auctioned: Path, tmp_path: Path) -> Path:
    """A copy of `auctioned`, to be damaged."""
    return Path(shutil.copytree(auctioned, tmp_path / "copy.store"))


class TestDemo:
    """`atomic-store demo`."""

    def test_tells_what_was_accepted_and_refused_and_where_it_lies(self, tmp_path: Path) -> None:
        """A feed of 20 bids, the counts and the rate, the lots, and what to do next."""
        store = tmp_path / "my auction.store"
        lines = lines_of(atomic_store("demo", "--store", store))
        bids, accepted, refused, duplicates = counts(lines)

        assert f"The store is {store}" in lines
        assert (96, 96, 0) == (bids, accepted + refused, duplicates)
        assert 20 == sum(line.startswith(("  accepted ", "  refused ")) for line in lines)
        assert "  … and 76 bids more" in lines
        assert f"  atomic-store verify '{store}'" in lines
        assert accepted + 5 == len(journal_lines(store))

    def test_the_same_again_shows_duplicates_alone(self, tmp_path: Path) -> None:
        """What was accepted is a duplicate, what was refused is refused, nothing is new."""
        store = tmp_path / "auction.store"
        first = counts(lines_of(atomic_store("demo", "--store", store, "--seed", "7")))
        stored = journal_lines(store)
        again = counts(lines_of(atomic_store("demo", "--store", store, "--seed", "7")))

        assert (first[0], 0, first[2], first[1]) == again
        assert stored == journal_lines(store)

    def test_another_auction_on_the_same_store_finds_the_lots_open(self, tmp_path: Path) -> None:
        """Other terms for a lot that is open are refused, and the output says so."""
        store = tmp_path / "auction.store"
        lines_of(atomic_store("demo", "--store", store, "--seed", "1"))
        lines = lines_of(atomic_store("demo", "--store", store, "--seed", "2"))

        assert "5 lots had been opened before, with other terms." in lines
        assert 0 == counts(lines)[3]

    def test_without_a_place_it_makes_one(self, tmp_path: Path) -> None:
        """The store lies in a new temporary directory, which the output names."""
        lines = lines_of(atomic_store("demo", env={"TMPDIR": str(tmp_path)}))

        (store,) = tmp_path.glob("auction-*/auction.store")
        assert f"The store is {store}" in lines

    def test_replays_the_real_bids(self, tmp_path: Path) -> None:
        """
        596 of 628 real lots end at the price that eBay recorded.

        A second run on the same store admits nothing, and every price stays.
        """
        runs = [
            lines_of(atomic_store("demo", "--bids", REAL_BIDS, "--store", tmp_path / "ebay.store"))
            for _ in range(2)
        ]

        said = "596 of 628 lots ended at the price that eBay recorded."
        assert [True, True] == [said in lines for lines in runs]
        assert [(10_681, 10_678, 3, 0), (10_681, 0, 3, 10_678)] == list(map(counts, runs))
        assert 628 + 10_678 == len(journal_lines(tmp_path / "ebay.store"))

    def test_a_bad_file_makes_no_store(self, tmp_path: Path) -> None:
        """The whole file is read first: a bad last line is refused before anything is stored."""
        bids = tmp_path / "bids.csv"
        bids.write_text(HEADER + "l,1,0,a,1,2,i\nl,NaN,0,a,1,2,i\n")
        run = atomic_store("demo", "--bids", bids, "--store", tmp_path / "auction.store")

        expected = "bid: expected an amount of whole cents such as 12.50, found 'NaN'"
        assert f"atomic-store: {bids}:3: {expected}\n" == refusal(run)
        assert 2 == run.returncode
        assert [bids] == list(tmp_path.iterdir())

    @pytest.mark.parametrize("place", ["nowhere.csv", "."])
    def test_a_file_that_cannot_be_read_is_named(self, place: str, tmp_path: Path) -> None:
        """No file, or a directory in its place: exit 2."""
        run = atomic_store("demo", "--bids", place, cwd=tmp_path)

        assert refusal(run).startswith(f"atomic-store: {place}: ")
        assert 2 == run.returncode

    def test_bids_are_either_made_up_or_read(self) -> None:
        """Options for made-up bids together with a file are refused."""
        run = atomic_store("demo", "--bids", REAL_BIDS, "--lots", "3")

        assert refusal(run).startswith("atomic-store: --lots makes bids up, --bids takes them ")
        assert 2 == run.returncode

    def test_hostile_names_in_a_file_are_shown_by_number(self, tmp_path: Path) -> None:
        """What a terminal would obey does not reach it."""
        bids = tmp_path / "bids.csv"
        row = f"\x1b[2J{HOSTILE},1,0,\x1b]0;x\x07,1,2,\u202e\x9b\n".replace("\u2028\t", "")
        bids.write_text(HEADER + row)
        run = atomic_store("demo", "--bids", bids, "--store", tmp_path / "auction.store")

        text = "".join(lines_of(run))
        assert text.isprintable()
        assert "\\x1b]0;x\\x07" in text

    def test_an_interrupt_ends_it_quietly_and_harms_nothing(self, tmp_path: Path) -> None:
        """Ctrl-C in the middle: exit 130, no traceback, and the store is in order."""
        store = tmp_path / "auction.store"
        many = ("--bidders", "200", "--bids-per-bidder", "10000")
        with subprocess.Popen(
            command("demo", "--store", store, *many),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
        ) as process:  # fmt: skip
            assert process.stdout is not None
            while b"  accepted " not in process.stdout.readline():
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=60)

        assert (b"", 130) == (stderr.strip(), process.returncode)
        assert 0 == atomic_store("verify", store).returncode


class TestScopes:
    """`atomic-store scopes`."""

    def test_lists_where_each_scope_ends(self, auctioned: Path) -> None:
        """One line a scope: events, last position, last time, name."""
        lines = [line.split() for line in lines_of(atomic_store("scopes", auctioned))]
        last = {record["scope"]: record for record in map(json.loads, journal_lines(auctioned))}

        expected = {
            (str(r["sequence"]), str(r["position"]), r["at"], r["scope"]) for r in last.values()
        }
        assert 5 == len(lines)
        assert expected == set(map(tuple, lines))

    def test_as_json(self, auctioned: Path) -> None:
        """The same as one JSON object a line."""
        scopes = [
            json.loads(line) for line in lines_of(atomic_store("scopes", auctioned, "--json"))
        ]
        last = {record["scope"]: record for record in map(json.loads, journal_lines(auctioned))}

        keys = ("scope", "sequence", "position", "at")
        assert [{key: last[s["scope"]][key] for key in keys} for s in scopes] == scopes
        assert sorted(last) == [scope["scope"] for scope in scopes]

    def test_prefix_chooses(self, auctioned: Path) -> None:
        """Only scopes that begin with it; that there is none is an answer."""
        assert 1 == len(lines_of(atomic_store("scopes", auctioned, "--prefix", "lot-3")))
        assert [] == lines_of(atomic_store("scopes", auctioned, "--prefix", "car-"))


class TestEvents:
    """`atomic-store events`."""

    def test_json_is_the_journals_line_without_checksums(self, auctioned: Path) -> None:
        """Byte by byte, but for `commit` and `crc`."""
        printed = atomic_store("events", auctioned, "--json").stdout.splitlines()
        stored = [
            re.sub(rb'(,"commit":"[0-9a-f]{32}")?,"crc":"[0-9a-f]{8}"}$', b"}", line)
            for line in journal_lines(auctioned)
        ]

        assert stored == printed

    def test_for_people_it_is_one_line_a_record(self, auctioned: Path) -> None:
        """Position, time, scope and sequence, type, data."""
        line = lines_of(atomic_store("events", auctioned, "--limit", "1"))[0]
        record = json.loads(journal_lines(auctioned)[0])

        data = json.dumps(record["data"], separators=(",", ":"))
        assert f"       1  {record['at']}  {record['scope']} #1  Opened  {data}" in line

    def test_scope_after_and_limit_choose(self, auctioned: Path) -> None:
        """Of one scope, behind a position, so many at most."""
        all_lines = [json.loads(line) for line in journal_lines(auctioned)]
        of_lot = [r["position"] for r in all_lines if r["scope"] == "lot-2"]
        chosen = atomic_store(
            "events", auctioned, "--json", "--scope=lot-2", "--after", str(of_lot[4]), "--limit=3"
        )

        assert of_lot[5:8] == [json.loads(line)["position"] for line in lines_of(chosen)]

    @pytest.mark.parametrize("more", [("--after", "10000000000000000000000"), ("--limit", "0")])
    def test_nothing_is_an_answer(self, more: tuple[str, str], auctioned: Path) -> None:
        """Behind the end there is nothing, and no more than 0 is nothing."""
        assert [] == lines_of(atomic_store("events", auctioned, *more))
        assert [] == lines_of(atomic_store("events", auctioned, "--scope=lot-1", *more))

    @pytest.mark.parametrize("scope", ["lot-99", "../../etc/passwd", "LOT-1", HOSTILE, "x" * 512])
    def test_an_unknown_scope_is_said_to_be_unknown(self, scope: str, auctioned: Path) -> None:
        """Exit 1, and no file is looked for by that name."""
        run = atomic_store("events", auctioned, "--scope", scope)

        assert ": expected the scope " in refusal(run)
        assert run.stderr.decode().rstrip().isprintable()
        assert 1 == run.returncode

    @pytest.mark.parametrize("scope", ["", "x" * 513, "x" * 65_536, b"\xff"])
    def test_what_can_be_no_scope_is_refused(self, scope: str | bytes, auctioned: Path) -> None:
        """Exit 2, with what was expected, and not all of it repeated."""
        run = atomic_store("events", auctioned, "--scope", os.fsdecode(scope))

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
        line = lines_of(atomic_store("events", hostile, "--scope", "é"))[0]

        assert "é #1  Said  {" in line
        assert " characters)  metadata {" in line
        assert '  meta "' in line

    def test_damage_on_the_way_is_exit_1(self, copy: Path) -> None:
        """What lies before the damage is printed, then it says where the damage is."""
        segment = flip_byte_in_the_middle(copy)
        run = atomic_store("events", copy)

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
        lines = lines_of(atomic_store("verify", auctioned))
        records = len(journal_lines(auctioned))

        assert f"{auctioned}: not damaged" == lines[0]
        assert lines[1].startswith(f"{records:,} records of 5 scopes in 1 segment, ")
        assert re.fullmatch(rf"head: position {records}, commit [0-9a-f]{{32}}", lines[2])

    def test_as_json(self, auctioned: Path) -> None:
        """The same as one JSON object."""
        (line,) = lines_of(atomic_store("verify", auctioned, "--json"))
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
        run, as_json = atomic_store("verify", copy), atomic_store("verify", copy, "--json")
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
        lines = lines_of(atomic_store("verify", copy))

        assert lines[0].startswith("note: ")
        assert f"{copy}: not damaged" == lines[1]


class TestEveryCommand:
    """What holds for all of them."""

    @pytest.mark.parametrize("name", ["", "demo", *READING])
    def test_has_help(self, name: str) -> None:
        """`--help` says how it is used, on stdout."""
        lines = lines_of(atomic_store(*filter(None, [name]), "--help"))

        assert lines[0].startswith(f"Usage: atomic-store {name}".rstrip() + " [OPTIONS]")

    def test_the_version_is_told(self) -> None:
        """`--version` names the program and its version."""
        (line,) = lines_of(atomic_store("--version"))

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
            (["demo", "--bidders", "0"], "Invalid value for '--bidders'"),
            (["\x1b[31m"], "No such command '\\x1b[31m'."),
        ],
    )
    def test_a_wrong_call_is_exit_2(self, arguments: list[str], message: str) -> None:
        """The message says what is wrong, and where help is."""
        run = atomic_store(*arguments)

        assert message in refusal(run)
        assert "--help` says what can be asked." in run.stderr.decode()
        assert 2 == run.returncode

    @pytest.mark.parametrize("name", READING)
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
        run = atomic_store(name, path)

        assert str(path) in refusal(run)
        assert 2 == run.returncode
        assert before == sorted(tmp_path.rglob("*"))

    def test_a_demo_on_what_is_no_store_is_exit_2(self, tmp_path: Path) -> None:
        """A directory of something else is not made a store."""
        (tmp_path / "letter.txt").write_text("hello")
        run = atomic_store("demo", "--store", tmp_path)

        assert f"atomic-store: {tmp_path}".encode() in run.stderr
        assert 2 == run.returncode
        assert [tmp_path / "letter.txt"] == list(tmp_path.iterdir())

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
        with subprocess.Popen(
            command(*arguments, auctioned),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stderr is not None
            assert b"" != process.stdout.readline()
            process.stdout.close()
            stderr = process.stderr.read()

        assert (b"", 141) == (stderr, process.returncode)

    @pytest.mark.parametrize("name", ["demo", *READING, "--help", "--version"])
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


class TestEnding:
    """Exit codes for failures."""

    @pytest.mark.parametrize(
        ("error", "code", "complaint"),
        [
            (KeyboardInterrupt(), 130, ""),
            (BaseExceptionGroup("", [KeyboardInterrupt(), StoreClosed("x")]), 130, ""),
            (ExceptionGroup("", [ExceptionGroup("", [OutputClosed()])]), 141, ""),
            (
                ExceptionGroup("", [JournalFailed("fdatasync", "/s", "reopen it")] * 2),
                2,
                "atomic-store: fdatasync failed on /s: reopen it\n",
            ),
            (
                JournalCorrupt("/s", 7, "a", "b", 2),
                1,
                (
                    "atomic-store: /s is damaged at offset 7, line 2: expected a, found b\n"
                    "atomic-store: `atomic-store verify` finds all damage.\n"
                ),
            ),
            (
                PermissionError(13, "Permission denied", "/s"),
                2,
                "atomic-store: /s: Permission denied\n",
            ),
            (OSError("odd"), 2, "atomic-store: odd\n"),
        ],
    )
    def test_expected_errors_are_told_in_a_line(
        self, error: BaseException, code: int, complaint: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Also from inside groups of errors, as nurseries raise them."""

        def fail() -> int:
            raise error

        assert code == ended(fail)
        assert complaint == capsys.readouterr().err

    @pytest.mark.parametrize(
        "error", [KeyError("bug"), ExceptionGroup("", [StoreClosed("x"), KeyError("bug")])]
    )
    def test_what_nobody_expects_is_raised(self, error: Exception) -> None:
        """A bug is not dressed up as an error of the user's."""

        def fail() -> int:
            raise error

        with pytest.raises(type(error)) as caught:
            ended(fail)
        assert error is caught.value


class TestOutput:
    """What is safe to show."""

    def test_people_see_numbers_for_what_is_not_printable(self) -> None:
        """Controls, bidi marks, line separators and lone surrogates."""
        shown = printable("a\x1b\n\x9b\u202e\u2028\ud800\U000e0041é☃")

        assert "a\\x1b\\n\\x9b\\u202e\\u2028\\ud800\\U000e0041é☃" == shown

    def test_json_keeps_its_meaning(self) -> None:
        """Escapes, also of two units, stand for the same characters."""
        value = "a\x7f\x9b\u202e\u2028\U000e0041é☃"
        shown = safe_json(json.dumps(value, ensure_ascii=False))

        assert value == json.loads(shown)
        assert shown.isprintable()

    def test_long_values_are_cut_and_say_so(self) -> None:
        """200 characters are shown, of more only the first ones."""
        assert "x" * 200 == shortened("x" * 200)
        assert "x" * 200 + "… (1,201 characters)" == shortened("x" * 1_201)


class TestProgress:
    """The bar on stderr."""

    def test_appears_after_a_second_and_goes_away(self) -> None:
        """Nothing before, at most ten redraws a second, and a clean line at the end."""
        stream, now = io.StringIO(), 0.0
        progress = Progress("verifying", stream, clock=lambda: now)
        for now in (0.5, 0.99, 1.01, 1.05, 1.2):  # the clock reads it
            progress(int(now * 100), 200)
        progress.clear()

        drawn = ["", bar("verifying", 101, 200), bar("verifying", 120, 200), "\x1b[K"]
        assert drawn == stream.getvalue().split("\r")

    def test_what_is_fast_shows_nothing(self) -> None:
        """No bar, hence none to take away."""
        stream = io.StringIO()
        progress = Progress("verifying", stream, clock=lambda: 0.0)
        progress(1, 2)
        progress.clear()

        assert "" == stream.getvalue()

    @pytest.mark.parametrize(
        ("done", "total", "share"),
        [(0, 0, "100%"), (0, 9, "  0%"), (9, 9, "100%"), (10, 9, "100%")],
    )
    def test_shares_are_shares(self, done: int, total: int, share: str) -> None:
        """From none to all; all of nothing is all, and more than all is all."""
        assert bar("x", done, total).endswith(share)
