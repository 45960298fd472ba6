"""`atomic-store token`: making, listing and revoking."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from atomic_store.cli.token import _moment
from atomic_store.gateway.access import TokenFile
from atomic_store.gateway.access.token_text import write
from atomic_store.gateway.protocol.rights import Right
from command_line import called, command, environment, lines_of, refusal
from token_files import NOW, entry, token, tokens

ALL = ("--read", "")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a token file may be made."""
    return tmp_path / "tokens.json"


def added(file: Path, *more: str, name: str = "ada") -> str:
    """A new token: all that is printed."""
    (line,) = lines_of(called("token", "add", file, "--principal", name, *(more or ALL)))
    return line


def listed(file: Path) -> list[dict[str, Any]]:
    """What `list --json` says."""
    return [json.loads(line) for line in lines_of(called("token", "list", file, "--json"))]


class TestAdd:
    def test_the_token_alone_is_printed(self, file: Path) -> None:
        """It is good, and its owner has the rights that were given."""
        text = added(
            file, "--read", "", "--propose", "lot/", "--propose", "car/", "--decide", "lot/",
            "--validate", "x", "--operate", "",
        )  # fmt: skip

        assert re.fullmatch(r"as1_[\w-]{43}", text)
        known = TokenFile(file).lookup(text)
        assert known is not None
        assert ("ada", None) == (known.principal.name, known.expires)
        assert {
            "read": [""], "propose": ["lot/", "car/"], "decide": ["lot/"], "validate": ["x"],
            "operate": [""],
        } == known.principal.shown()  # fmt: skip

    def test_the_file_does_not_hold_it(self, file: Path) -> None:
        """Only what it cannot be made from, in a file of its owner's alone."""
        text = added(file)

        assert text[4:].encode() not in file.read_bytes()
        assert 0o600 == file.stat().st_mode & 0o777

    def test_no_two_are_the_same(self, file: Path) -> None:
        """Also for the same principal with the same rights."""
        made = {added(file) for _ in range(5)}

        assert 5 == len(made) == len(listed(file))

    def test_as_json(self, file: Path) -> None:
        """One object, with the token, and what `list` says of it."""
        run = called(
            "token", "add", file, "--principal", "ada", *ALL, "--note", "für Ada", "--json"
        )
        (line,) = lines_of(run)

        value = json.loads(line)
        known = TokenFile(file).lookup(value.pop("token"))
        assert known is not None
        assert value["id"] == known.id
        assert "für Ada" == value["note"]
        assert [value] == listed(file)

    @pytest.mark.parametrize(
        ("text", "seconds"), [("90s", 90), ("5m", 300), ("2h", 7_200), ("30d", 30 * 86_400),
                              ("2w", 14 * 86_400)],
    )  # fmt: skip
    def test_it_expires_so_long_from_now(self, text: str, seconds: int, file: Path) -> None:
        """In seconds, minutes, hours, days or weeks."""
        before = datetime.now(UTC)
        made = added(file, *ALL, "--expires", text)
        known = TokenFile(file).lookup(made)

        assert known is not None
        assert known.expires is not None
        left = known.expires - before
        assert timedelta(seconds=seconds) <= left < timedelta(seconds=seconds + 60)

    def test_it_expires_at_a_time(self) -> None:
        """A time in any zone, or the beginning of a day in UTC."""
        assert datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC) == _moment(
            "2030-01-02T05:04:05+02:00", NOW
        )
        assert datetime(2030, 1, 2, tzinfo=UTC) == _moment("2030-01-02", NOW)
        assert NOW + timedelta(days=1) == _moment("1d", NOW)
        for text in ("", "d", "1", "1y", "+1d", "1.5d", "1 d", "99999999w", "soon", "2030-02-30"):
            assert _moment(text, NOW) is None

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--read", ""], "Missing option '--principal'."),
            (["--principal", "ada"], "expected one of --read, --propose, --decide, --validate, --"),
            (["--principal", "", *ALL], "Invalid value for '--principal': expected 1 to 128 bytes"),
            (["--principal", "\x1b[1m", *ALL], "expected 1 to 128 bytes of printable characters"),
            (
                ["--principal", "a", "--read", "é" * 257],
                "Invalid value for '--read': expected 0 to",
            ),
            (["--principal", "a", *ALL * 101], "Invalid value for '--read': expected it 100 times"),
            (["--principal", "a", *ALL, "--note", "a\nb"], "Invalid value for '--note': expected "),
            (["--principal", "a", *ALL, "--expires", "soon"], "expected how long from now: 30d (s"),
            (["--principal", "a", *ALL, "--expires", "-2h"], "expected a time to come, found 20"),
            (["--principal", "a", *ALL, "--expires", "0d"], "expected a time to come, found 20"),
        ],
    )
    def test_a_wrong_call_is_exit_2(self, arguments: list[str], message: str, file: Path) -> None:
        """Nothing is made."""
        run = called("token", "add", file, *arguments)

        assert message in refusal(run)
        assert 2 == run.returncode
        assert not file.exists()

    def test_one_that_nobody_has_seen_is_taken_back(self, file: Path) -> None:
        """If it cannot be printed, it is not left in the file."""
        added(file, name="bob")
        with Path("/dev/full").open("wb") as full:
            run = subprocess.run(
                command("token", "add", file, "--principal", "ada", *ALL),
                stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=60,
            )  # fmt: skip

        message = b"atomic-store: cannot write to stdout: No space left on device\n"
        assert (message, 2) == (run.stderr, run.returncode)
        assert ["bob"] == [line["principal"] for line in listed(file)]

    def test_all_rights_have_an_option(self) -> None:
        """And each says what it means."""
        help_text = " ".join(lines_of(called("token", "add", "--help")))

        assert [] == [right for right in Right if f"--{right} PREFIX" not in help_text]


class TestList:
    def test_for_people(self, file: Path) -> None:
        """Id, principal, rights, expiry and note; an expired one is called so."""
        kept = (
            entry(1, note="a note", read=("", "lot/")),
            entry(2, "bob", expires=datetime(2001, 1, 1, tzinfo=UTC)),
            entry(3, "eve", expires=datetime(9999, 1, 1, tzinfo=UTC)),
        )
        file.write_bytes(write(tokens(*kept)))
        file.chmod(0o600)

        assert [
            f'{kept[0].id}  ada  read "" "lot/"  never expires  a note',
            f'{kept[1].id}  bob  read ""  expired 2001-01-01T00:00:00.000000Z',
            f'{kept[2].id}  eve  read ""  expires 9999-01-01T00:00:00.000000Z',
        ] == lines_of(called("token", "list", file))

    def test_no_secret_is_shown(self, file: Path) -> None:
        """Neither the token nor its hash."""
        text = added(file)
        (kept,) = json.loads(file.read_bytes())["tokens"]

        for form in ([], ["--json"]):
            shown = b"".join([called("token", "list", file, *form).stdout])
            assert text[4:].encode() not in shown
            assert kept["sha256"].encode() not in shown

    def test_none_is_an_answer(self, file: Path) -> None:
        """An empty list is exit code 0."""
        file.write_bytes(write(tokens()))
        file.chmod(0o600)

        assert [] == lines_of(called("token", "list", file))

    def test_no_prefix_commands_the_terminal(self, file: Path) -> None:
        """A scope may begin with whatever; it is shown by number."""
        added(file, "--read", "\x1b[31m\u202e")

        for form in ([], ["--json"]):
            assert "".join(lines_of(called("token", "list", file, *form))).isprintable()
        assert {"read": ["\x1b[31m\u202e"]} == listed(file)[0]["rights"]


class TestRevoke:
    def test_one_is_taken_out(self, file: Path) -> None:
        """The others stay good."""
        first, second = added(file), added(file, name="bob")
        (id_, _) = [line["id"] for line in listed(file)]

        assert [f"{id_}  ada  revoked"] == lines_of(called("token", "revoke", file, id_))
        assert TokenFile(file).lookup(first) is None
        assert TokenFile(file).lookup(second) is not None

    def test_as_json(self, file: Path) -> None:
        """What `list` said of it."""
        added(file)
        (before,) = listed(file)
        (line,) = lines_of(called("token", "revoke", file, before["id"], "--json"))

        assert before == json.loads(line)
        assert [] == listed(file)

    def test_one_that_is_not_there_is_exit_1(self, file: Path) -> None:
        """The file stays as it is; a token in the place of its id is not shown."""
        text = added(file)
        before = file.read_bytes()

        for id_ in ("0123456789ab", "", text):
            run = called("token", "revoke", file, id_)
            assert "expected the token '" in refusal(run)
            assert text[4:] not in refusal(run)
            assert 1 == run.returncode
        assert before == file.read_bytes()


class TestFiles:
    @pytest.mark.parametrize("arguments", [("list",), ("revoke",)])
    def test_one_that_is_not_there_is_exit_2(self, arguments: tuple[str, ...], file: Path) -> None:
        """It is named, and not made."""
        run = called("token", *arguments, file, *(["x"] if "revoke" in arguments else []))

        assert f"atomic-store: {file}: No such file or directory\n" == refusal(run)
        assert 2 == run.returncode
        assert not file.exists()

    @pytest.mark.parametrize(
        "arguments", [("list",), ("revoke", "x"), ("add", "--principal", "a", *ALL)]
    )
    def test_a_damaged_one_is_exit_2(self, arguments: tuple[str, ...], file: Path) -> None:
        """What is wrong is told with its place, and the file left alone."""
        name, *more = arguments
        file.write_bytes(b'{\n  "format": "x"\n')
        run = called("token", name, file, *more)

        assert f"atomic-store: {file}: line 3, column 1: expected JSON text" in refusal(run)
        assert 2 == run.returncode
        assert b'{\n  "format": "x"\n' == file.read_bytes()

    @pytest.mark.parametrize(
        "arguments", [("list",), ("revoke", entry(1).id), ("add", "--principal", "a", *ALL)]
    )
    def test_one_that_others_can_read_is_said(self, arguments: tuple[str, ...], file: Path) -> None:
        """On stderr; it is done all the same."""
        name, *more = arguments
        file.write_bytes(write(tokens(entry(1))))
        file.chmod(0o644)
        run = called("token", name, file, *more)

        assert run.stderr.decode() == (
            f"atomic-store: {file}: expected a file of its owner alone, mode 600, "
            "found mode 644: others can read it\n"
        )
        assert 0 == run.returncode
        assert 1 == len(run.stdout.splitlines())

    def test_an_empty_path_is_exit_2(self) -> None:
        """It is more likely an unset variable than this directory."""
        run = called("token", "list", "")

        assert "expected the path of a token file, found an empty one" in refusal(run)
        assert 2 == run.returncode

    @pytest.mark.parametrize("name", ["", "add", "list", "revoke"])
    def test_has_help(self, name: str) -> None:
        """`--help` says how it is used, on stdout."""
        lines = lines_of(called(*filter(None, ["token", name]), "--help"))

        assert lines[0].startswith(f"Usage: atomic-store token {name}".rstrip() + " [OPTIONS]")

    def test_a_token_is_good_in_the_file_of_its_gateway_only(self, tmp_path: Path) -> None:
        """Another file does not know it."""
        text = added(tmp_path / "a")
        added(tmp_path / "b")

        assert TokenFile(tmp_path / "b").lookup(text) is None
        assert TokenFile(tmp_path / "b").lookup(token(1)) is None


def test_the_command_line_needs_no_extra() -> None:
    """What only a running gateway needs is not imported, so that it need not be installed."""
    code = "import atomic_store.cli, json, sys; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment(), timeout=60
    )

    extra = {"h11", "prometheus_client", "trio_websocket", "wsproto"}
    assert set() == extra & set(json.loads(run.stdout))
