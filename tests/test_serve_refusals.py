"""What keeps `atomic-store serve` from serving: exit 2, and one line that says what."""

from __future__ import annotations

import resource
import socket
import subprocess
from pathlib import Path

import pytest
import trio

from atomic_store import open_store
from command_line import atomic_store, called, command, environment, refusal

pytest_plugins = ("cli_stores",)

CERTIFICATE = ("--tls-cert", "{place}/cert.pem", "--tls-key", "{place}/key.pem")


def why(*arguments: str | Path) -> str:
    """Why it does not serve."""
    run = called("serve", *arguments)
    assert 2 == run.returncode
    (line,) = refusal(run).splitlines()
    return line.removeprefix("atomic-store: ")


def misused(*arguments: str | Path) -> str:
    """How it was called wrongly; a second line says where help is."""
    run = called("serve", *arguments)
    assert 2 == run.returncode
    first, second = refusal(run).splitlines()
    assert "atomic-store: `atomic-store serve --help` says what can be asked." == second
    return first.removeprefix("atomic-store: ")


class TestTheStore:
    async def test_one_that_is_open(self, tmp_path: Path) -> None:
        """Who has it is said."""
        async with open_store(tmp_path / "s", events=None):
            run = await trio.to_thread.run_sync(atomic_store, "serve", tmp_path / "s", "--port=0")

        (line,) = refusal(run).splitlines()
        assert "is locked by process " in line
        assert 2 == run.returncode

    def test_something_else(self, tmp_path: Path) -> None:
        """A directory of other files is not made a store, and a file is none."""
        letter = tmp_path / "letter.txt"
        letter.write_text("hello")

        assert why(tmp_path, "--port=0").startswith("expected a store or an empty directory at ")
        assert str(letter) in why(letter, "--port=0")
        assert [letter] == list(tmp_path.iterdir())

    def test_a_damaged_one(self, copy: Path) -> None:
        """File, offset, and what finds more of it."""
        (segment,) = sorted((copy / "journal").glob("*.jsonl"))
        data = bytearray(segment.read_bytes())
        data[-300] ^= 1
        segment.write_bytes(data)

        line = why(copy, "--port=0")
        assert str(segment) in line
        assert line.endswith("; `atomic-store verify` finds all damage")

    def test_a_disk_that_refuses(self, tmp_path: Path) -> None:
        """It could not begin: that is not a journal that has failed."""
        run = subprocess.run(
            command("serve", tmp_path / "s", "--port=0"), capture_output=True, timeout=60,
            env=environment(),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)),
        )  # fmt: skip

        (line,) = refusal(run).splitlines()
        assert "File too large" in line
        assert 2 == run.returncode

    def test_no_path(self) -> None:
        """It does not mean this directory."""
        assert "expected the path of a store, found an empty one" in misused("")


class TestThePlace:
    def test_a_port_that_is_taken(self, tmp_path: Path) -> None:
        """By whom else it may be, this one says where it wanted to listen."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]

            assert f"cannot listen at 127.0.0.1, port {port}: Address already in use" == why(
                tmp_path / "s", f"--port={port}"
            ).replace("address", "Address", 1)

    def test_an_address_of_another_machine(self, tmp_path: Path) -> None:
        """It can be no place to listen."""
        line = why(tmp_path / "s", "--host=192.0.2.1", "--port=0", "--insecure")

        assert line.startswith("cannot listen at 192.0.2.1, port 0: ")

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "events.example", "192.168.0.1"])
    @pytest.mark.parametrize("given", [(), ("--tokens", "t"), CERTIFICATE])
    def test_one_that_others_reach(self, host: str, given: tuple[str, ...], tmp_path: Path) -> None:
        """It takes tokens and TLS, both, or the word that it shall be insecure."""
        line = why(tmp_path / "s", f"--host={host}", *given)

        assert (
            f"--host {host}: others than this machine could connect: expected --tokens, "
            "--tls-cert and --tls-key, or --insecure"
        ) == line
        assert not (tmp_path / "s").exists()

    @pytest.mark.parametrize(
        ("option", "expected"),
        [
            ("--port=65536", "Invalid value for '--port'"),
            ("--port=x", "Invalid value for '--port'"),
            ("--host=", "expected an address of this machine, found an empty one"),
            ("--name=a b", "expected a host's name, perhaps with :port, found 'a b'"),
            ("--name=https://a.example", "expected a host's name, perhaps with :port"),
            ("--origin=a.example", "expected an origin, as https://example.com, found 'a.exa"),
            ("--origin=null", "expected an origin, as https://example.com, found 'null'"),
            ("--origin=https://a.example/", "expected an origin, as https://example.com, found"),
            ("--validation-timeout=0", "Invalid value for '--validation-timeout'"),
            ("--validation-timeout=nan", "Invalid value for '--validation-timeout'"),
            ("--log-format=xml", "Invalid value for '--log-format'"),
            ("--tokens=", "expected the path of a file, found an empty one"),
            ("--tls-cert=c.pem", "expected --tls-cert and --tls-key, found one of them"),
            ("--tls-key=k.pem", "expected --tls-cert and --tls-key, found one of them"),
        ],
    )
    def test_options_that_cannot_be(self, option: str, expected: str, tmp_path: Path) -> None:
        """They are found before anything is opened."""
        assert expected in misused(tmp_path / "s", option)
        assert not (tmp_path / "s").exists()


class TestTheFiles:
    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (None, "No such file or directory"),
            (b"{", "expected JSON text"),
            (b'{"format": "else"}', "expected"),
        ],
    )
    def test_a_bad_token_file(self, content: bytes | None, expected: str, tmp_path: Path) -> None:
        """It is named, with the place in it."""
        file = tmp_path / "tokens.json"
        if content is not None:
            file.write_bytes(content)
            file.chmod(0o600)

        line = why(tmp_path / "s", "--port=0", "--tokens", file)
        assert line.startswith(f"{file}: ")
        assert expected in line
        assert not (tmp_path / "s").exists()

    def test_a_bad_certificate(self, tmp_path: Path) -> None:
        """As `test_certificates` has it; nothing is opened."""
        for name in ("cert.pem", "key.pem"):
            (tmp_path / name).write_text("hello")
        options = [option.format(place=tmp_path) for option in CERTIFICATE]

        assert "expected a certificate and its private key" in why(
            tmp_path / "s", "--port=0", *options
        )
        assert not (tmp_path / "s").exists()

    def test_a_bad_validator(self, tmp_path: Path) -> None:
        """As `test_cli_validator` has it; nothing is opened."""
        assert "expected module:function" in why(tmp_path / "s", "--port=0", "--validator=x")
        assert not (tmp_path / "s").exists()
