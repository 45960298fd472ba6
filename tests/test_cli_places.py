"""Commands that read: from a directory, and from a gateway the same."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from atomic_store.cli.events import events
from atomic_store.cli.places import Place
from command_line import called, command, environment, lines_of, refusal
from served_process import ServedProcess, serving

pytest_plugins = ("cli_stores",)


@pytest.fixture(scope="module")
def served(
    auctioned: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ServedProcess, Path]]:
    """A gateway without tokens, and the directory of its store, which nobody changes."""
    path = tmp_path_factory.mktemp("served") / "auction.store"
    shutil.copytree(auctioned, path)
    with serving(lambda port: command("serve", path, "--port", str(port))) as gateway:
        yield gateway, path


@pytest.mark.parametrize(
    "arguments",
    [
        ("events",),
        ("events", "--json"),
        ("events", "--csv", "--limit=3"),
        ("events", "--scope=lot-2", "--reverse", "--limit=7"),
        ("events", "--scope=lot-2", "--sequence=4"),
        ("events", "--prefix=lot-", "--where=type = Bid and data.max_cents > 3000"),
        ("events", "--after=50", "--limit=40", "--json"),
        ("events", "--correlation=nobody"),
        ("export",),
        ("export", "--prefix=lot-3"),
        ("scopes",),
        ("scopes", "--json"),
        ("scopes", "--sort=events", "--reverse", "--limit=2"),
        ("scopes", "--prefix=lot-3"),
        ("state", "--scope=lot-2", "--fold=rules_of_places:count", "--json"),
        ("state", "--scope=lot-2", "--fold=rules_of_places:count", "--sequence=5"),
    ],
)
def test_both_print_the_same(
    served: tuple[ServedProcess, Path],
    arguments: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A gateway's records, scopes and states are those of its store's files."""
    (tmp_path / "rules_of_places.py").write_text(
        "from atomic_store import Fold\ncount = Fold(0, lambda state, event: state + 1)\n"
    )
    monkeypatch.chdir(tmp_path)
    gateway, path = served
    name, *options = arguments

    from_files = lines_of(called(name, path, *options))
    assert from_files == lines_of(called(name, gateway.url, *options))
    assert from_files or "--correlation=nobody" in options


def test_no_such_scope(served: tuple[ServedProcess, Path]) -> None:
    """The same words, with the place that was asked."""
    gateway, path = served
    for place in (str(path), gateway.url):
        run = called("events", place, "--scope", "lot-99")
        assert 1 == run.returncode
        assert f"{place}: expected the scope 'lot-99', found no record of it" in refusal(run)


def test_states(served: tuple[ServedProcess, Path]) -> None:
    """A gateway says what its scopes do; files do not know."""
    gateway, path = served
    lines = lines_of(called("scopes", gateway.url, "--state"))
    values = [
        json.loads(line) for line in lines_of(called("scopes", gateway.url, "--state", "--json"))
    ]

    assert 5 == len(lines) == len(values)
    assert all("  idle        lot-" in line for line in lines)
    assert {"idle"} == {value["state"] for value in values}
    assert "a store's files do not tell it" in refusal(called("scopes", path, "--state"))


def test_figures(served: tuple[ServedProcess, Path]) -> None:
    """`stats` of a gateway is what it counts."""
    gateway, _ = served
    (line,) = lines_of(called("stats", gateway.url, "--json"))
    lines = lines_of(called("stats", gateway.url))

    value = json.loads(line)
    assert (0, None, 1) == (value["accepted"], value["commit_p99_s"], value["connections"])
    assert f"position: {value['position']:,}" in lines
    assert "commit_p99_s: none" in lines


def test_a_check(served: tuple[ServedProcess, Path]) -> None:
    """A gateway checks its store itself; it says less of it."""
    gateway, path = served
    here, there = (
        json.loads(lines_of(called("verify", place, "--json"))[0]) for place in (path, gateway.url)
    )
    verdict, held, head = lines_of(called("verify", gateway.url))

    assert {**here, "segments": None, "scopes": None, "bytes": there["bytes"]} == there
    assert f"{gateway.url}: not damaged" == verdict
    assert held.startswith(f"{here['records']:,} records, ")
    assert f"head: position {here['records']}, commit {here['head']['commit']}" == head


def test_following(served: tuple[ServedProcess, Path]) -> None:
    """`tail` begins with the last records, and waits for more."""
    gateway, path = served
    expected = lines_of(called("events", path, "--reverse", "--limit=2"))[::-1]
    process = subprocess.Popen(
        command("tail", gateway.url, "--lines", "2"), env=environment(), stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert expected == [process.stdout.readline().decode().rstrip("\n") for _ in range(2)]
        assert None is process.poll()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("http://here/", "expected a directory, or a URL with ws:// or wss://"),
        ("ws://[x", "expected a URL"),
        ("ws://127.0.0.1:1", "no connection"),
        ("ws://", "url: expected"),
        ("", "expected the path of a store, found an empty one"),
        ("nowhere.store", "expected the directory of a store, found nothing"),
    ],
)
@pytest.mark.parametrize("name", ["events", "scopes", "tail", "stats", "verify"])
def test_places_that_are_none(name: str, place: str, words: str) -> None:
    """What is not there is said in one line."""
    run = called(name, place)

    assert 2 == run.returncode
    assert words in refusal(run)


def test_secrets_in_urls_are_not_shown() -> None:
    """A name, a password and what may be a token are left out."""
    context, parameter = click.Context(events), events.params[0]
    place = parameter.process_value(context, "wss://ada:secret@here:8080/x?token=secret#secret")

    assert isinstance(place, Place)
    assert "wss://here:8080/x" == place.name
    assert "secret" not in repr(place)


def test_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token comes from a file or the environment; what is none is told, and never shown."""
    tokens, path, token = tmp_path / "tokens", tmp_path / "s", tmp_path / "token"
    (made,) = lines_of(called("token", "add", tokens, "--principal", "ada", "--read", "", "--json"))
    token.write_text(json.loads(made)["token"] + "\n")
    wrong = tmp_path / "wrong"
    wrong.write_text("two words, none of them a token")
    with serving(
        lambda port: command("serve", path, "--port", str(port), "--tokens", tokens)
    ) as gateway:
        assert [] == lines_of(called("events", gateway.url, "--token-file", token))
        monkeypatch.setenv("ATOMIC_STORE_TOKEN", token.read_text().strip())
        assert [] == lines_of(called("events", gateway.url))
        assert "forbidden" in refusal(called("stats", gateway.url))
        monkeypatch.delenv("ATOMIC_STORE_TOKEN")
        assert 2 == called("events", gateway.url).returncode
        complaint = refusal(called("events", gateway.url, "--token-file", wrong))
        assert "expected a token and nothing else" in complaint
        assert "two words" not in complaint


def test_a_token_for_nobody(auctioned: Path, tmp_path: Path) -> None:
    """A directory wants no token."""
    complaint = refusal(called("events", auctioned, "--token-file", tmp_path / "token"))
    assert "--token-file is for a gateway" in complaint
