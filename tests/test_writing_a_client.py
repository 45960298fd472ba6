"""The clients of docs/writing-a-client.md do what the page says, also over lost connections."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from atomic_store.gateway.protocol.codes import FINAL_CLOSES
from markdown_pages import ROOT, Block, blocks_of
from scripted_gateway import HISTORY, ScriptedGateway, served
from tools import require_tool

PAGE = ROOT / "docs" / "writing-a-client.md"
LINES_MAX = 60
NODE = 20
"""From this version on Node has a WebSocket, if it is asked for; from 22 on without asking."""


def blocks(language: str) -> tuple[Block, Block]:
    """The client of a language, and the program that uses it."""
    client, use = [block for block in blocks_of(PAGE) if block.language == language]
    return client, use


def node() -> list[str]:
    """The command that runs a program in JavaScript."""
    path = require_tool("node")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    major = int(version.stdout.strip().lstrip("v").partition(".")[0])
    if major < NODE:
        pytest.skip(f"node {major} has no WebSocket")
    return [path] if major > NODE + 1 else [path, "--no-warnings", "--experimental-websocket"]


def run(language: str, place: Path, address: str) -> str:
    """Run a language's program; give what it printed."""
    client, use = blocks(language)
    suffix = {"python": "py", "javascript": "mjs"}[language]
    (place / f"client.{suffix}").write_text(client.source, "utf-8")
    (place / f"use.{suffix}").write_text(use.source, "utf-8")
    command = [sys.executable] if language == "python" else node()
    ran = subprocess.run(
        [*command, f"use.{suffix}"], cwd=place, env={**os.environ, "GATEWAY": address},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ("", 0) == (ran.stderr, ran.returncode)
    return ran.stdout


@pytest.mark.parametrize(("language", "bidder"), [("javascript", "ada"), ("python", "bob")])
def test_the_clients_get_through(language: str, bidder: str, tmp_path: Path) -> None:
    """Over a lost answer and a lost round each bid is decided, stored once, and seen once."""
    gateway = ScriptedGateway()
    with served(gateway) as address:
        printed = run(language, tmp_path, address).splitlines()

    outcomes = [line.rstrip() for line in printed if ":" not in line]
    assert [] == gateway.faults
    assert [] == gateway.to_lose
    assert ["accepted", "rejected 500 was bidden", "accepted"] == outcomes
    assert [500, 700] == [record["data"]["cents"] for record in gateway.records]
    assert [f"1: 500 from {bidder}", f"2: 700 from {bidder}"] == [
        line for line in printed if ":" in line
    ]


@pytest.mark.parametrize("language", ["javascript", "python"])
def test_what_is_sent_again_is_unchanged(language: str, tmp_path: Path) -> None:
    """A proposal keeps its id, under a new request's; a subscription goes on from its position."""
    gateway = ScriptedGateway()
    with served(gateway) as address:
        run(language, tmp_path, address)

    proposals = [one for one in gateway.heard if one["type"] == "propose"]
    again = [one for one in proposals if one["proposal_id"] == proposals[0]["proposal_id"]]
    subscriptions = [one for one in gateway.heard if one["type"] == "subscribe"]
    assert 2 == len(again)
    assert {**again[0], "id": 0} == {**again[1], "id": 0}
    assert again[0]["id"] < again[1]["id"]
    assert 3 == len({one["proposal_id"] for one in proposals})
    assert [0, 1, 1] == [one.get("after", 0) for one in subscriptions]
    assert [HISTORY, HISTORY] == [one["store"] for one in subscriptions[1:]]


@pytest.mark.parametrize("language", ["javascript", "python"])
def test_the_clients_are_short(language: str) -> None:
    """Blank lines aside, a client is of sixty lines at most."""
    client, _ = blocks(language)

    assert LINES_MAX >= len([line for line in client.source.splitlines() if line.strip()])


@pytest.mark.parametrize("language", ["javascript", "python"])
def test_the_clients_know_when_to_stop(language: str) -> None:
    """The codes after which they stop are the protocol's."""
    client, _ = blocks(language)

    found = re.search(r"[\[{](1000, [\d, ]+)[\]}]", client.source)

    assert found
    assert FINAL_CLOSES == {int(code) for code in found[1].split(", ")}
