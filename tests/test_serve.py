"""`atomic-store serve`: from its address to its end, as processes."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trio

from atomic_store.gateway import open_client
from command_line import command, environment, journal_lines
from served_stores import proposed, serving, talking


async def test_it_serves_plain_json(tmp_path: Path) -> None:
    """A store is made; what is accepted is in it; the address is all that is printed."""
    store = tmp_path / "new" / "a.store"
    store.parent.mkdir()
    async with serving(store) as served:
        assert served.url.startswith("ws://127.0.0.1:")
        async with talking(served.url) as talk:
            welcome = await talk.hear()
            result = await talk.bid(1, 500)
        code = await served.end()
        opened = (await served.logged("opened"))[0]

        assert ("welcome", 0, "local") == (
            welcome["type"], welcome["position"], welcome["principal"],
        )  # fmt: skip
        assert (True, 1) == (result["accepted"], result["records"][0]["position"])
        assert (0, b"") == (code, await served.rest_of_stdout())
        assert (str(store), welcome["store"]) == (opened["store"], opened["history"])
    (line,) = journal_lines(store)
    assert {"cents": 500} == json.loads(line)["data"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_it_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    """Whoever waits is answered, then told goodbye, then 1001; and the exit code is 0."""
    async with serving(tmp_path / "s") as served:
        async with talking(served.url) as talk:
            await talk.hear()
            await talk.bid(1, 500)
            assert "validate" == (await talk.propose(2, 600))["type"]
            served.process.send_signal(number)
            (error, goodbye), code = await talk.rest()

        assert ("error", 2, "shutting_down") == (error["type"], error["id"], error["code"])
        assert ("goodbye", "shutdown") == (goodbye["type"], goodbye["reason"])
        assert (1001, 0) == (code, await served.process.wait())
        assert number.name == (await served.logged("stopping"))[0]["signal"]
        await served.logged("stopped")
    assert 1 == len(journal_lines(tmp_path / "s"))


async def test_the_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """Also where a validator is in an endless loop, and the first one waits for its end."""
    (tmp_path / "rules.py").write_text(
        "import signal, sys\n"
        "def decide(request):\n"
        '    print(\'{"event":"begun"}\', file=sys.stderr, flush=True)\n'
        "    while signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL: pass\n"
        '    print(\'{"event":"seen"}\', file=sys.stderr, flush=True)\n'
        "    while True: pass\n"
    )
    async with serving(tmp_path / "s", "--validator=rules:decide", cwd=tmp_path) as served:
        async with talking(served.url) as talk:
            await talk.hear()
            await talk.say(proposed(1, 500))
            await served.logged("begun")
            served.process.send_signal(signal.SIGTERM)
            await served.logged("seen")

            assert -signal.SIGTERM == await served.end(signal.SIGTERM)


async def test_killed_and_started_again(tmp_path: Path) -> None:
    """At the same port, with all that was acknowledged; clients of the library go on."""
    store = tmp_path / "s"
    async with serving(store) as first, open_client(first.url) as client:
        async with talking(first.url) as talk:
            history = (await talk.hear())["store"]
            assert (await talk.bid(1, 500))["accepted"]
            await first.end(signal.SIGKILL)
        async with serving(store, f"--port={first.port}") as second:
            found = await client.query_events("lot/42")
            opened = (await second.logged("opened"))[0]

            assert first.url == second.url
            assert [{"cents": 500}] == [record.event.data for record in found]
            assert (False, 1, history) == (
                opened["was_closed"], opened["position"], opened["history"],
            )  # fmt: skip
            assert 0 == await second.end()


async def test_a_journal_that_fails(tmp_path: Path) -> None:
    """Its clients hear so, and are told goodbye; the exit code is 1, the reason in the log."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    async with serving(tmp_path / "s", preexec_fn=limit) as served:
        async with talking(served.url) as talk:
            await talk.hear()
            heard: dict[str, Any] = {"accepted": True}
            for n in range(1, 50):
                if "accepted" not in heard:
                    break
                heard = await talk.bid(n, n)
            more, code = await talk.rest()
        failed = (await served.logged("store_failed"))[0]

        assert ("error", "store_failed") == (heard["type"], heard["code"])
        assert [("goodbye", "store_failed")] == [(m["type"], m["reason"]) for m in more]
        assert (1001, 1) == (code, await served.process.wait())
        assert ("error", "File too large" in failed["error"]) == (failed["level"], True)


async def test_two_take_ports_of_their_own(tmp_path: Path) -> None:
    """`--port 0` takes one that is free."""
    async with serving(tmp_path / "a") as first, serving(tmp_path / "b") as second:
        assert first.url != second.url


async def test_whoever_reads_the_address_may_leave(tmp_path: Path) -> None:
    """As `head -n 1` does: it serves on, whatever a validator prints."""
    (tmp_path / "rules.py").write_text(
        "print('imported')\n"
        "def decide(request):\n"
        "    print('decided')\n"
        "    return request.accept()\n"
    )
    async with serving(tmp_path / "s", "--validator=rules:decide", cwd=tmp_path) as served:
        assert served.process.stdout is not None
        await served.process.stdout.aclose()
        async with talking(served.url) as talk:
            await talk.hear()

            assert (await talk.ask(proposed(1, 500)))["accepted"]
        assert 0 == await served.end()
        # Among the lines of the log, which another thread writes.
        assert b"imported\n" in served.log_text
        assert b"decided\n" in served.log_text


@pytest.mark.parametrize("kind", ["", "async "])
async def test_a_validator_from_this_directory(kind: str, tmp_path: Path) -> None:
    """It decides; clients cannot; what it raises is in the log, and the client's error is bare."""
    (tmp_path / "rules.py").write_text(
        f"{kind}def higher(request):\n"
        "    cents = request.prospective_event.data['cents']\n"
        "    if cents == 13: raise LookupError('that number')\n"
        "    best = max((event.data['cents'] for event in request.past_events), default=0)\n"
        "    return request.accept() if cents > best else request.reject('too low')\n"
    )
    async with serving(tmp_path / "s", "--validator=rules:higher", cwd=tmp_path) as served:
        async with talking(served.url) as talk:
            await talk.hear()
            first = await talk.ask(proposed(1, 500))
            second = await talk.ask(proposed(2, 400))
            third = await talk.ask(proposed(3, 600, decide="self"))
            fourth = await talk.ask(proposed(4, 13))

        (record,) = first["records"]
        assert {"$by": "local", "$decided_by": "gateway"} == record["metadata"]
        assert ("rejected", "too low") == (second["outcome"], second["reason"])
        assert "forbidden" == third["code"]
        assert "internal" == fourth["code"]
        assert "that number" not in fourth["message"]
        await served.end()
        (raised,) = [line for line in served.log if line["level"] == "error"]
        assert raised["traceback"].endswith("LookupError: that number\n")


async def test_how_long_a_decision_may_take(tmp_path: Path) -> None:
    """`--validation-timeout` is the deadline of every round."""
    async with serving(tmp_path / "s", "--validation-timeout=0.25") as served:
        async with talking(served.url) as talk:
            await talk.hear()
            validate = await talk.ask(proposed(1, 500, decide="self"))
            result = await talk.hear()

        assert 0 < validate["deadline_s"] <= 0.25
        assert "timed_out" == result["outcome"]


async def test_other_names_and_origins(tmp_path: Path) -> None:
    """Both are beside what the address itself is called by, which goes on being served."""
    pages = ("--origin=https://shop.example", "--name=events.example:443")
    async with serving(tmp_path / "s", *pages) as served:
        for origin, host, code in (
            ("https://shop.example", "events.example", 1000),
            ("https://shop.example", f"127.0.0.1:{served.port}", 1000),
            ("https://evil.example", "events.example", 4403),
            ("https://shop.example", "evil.example", 4403),
        ):
            headers = (("Origin", origin), ("Host", host))
            assert (origin, host, code) == (origin, host, await _closed(served.url, headers))


async def _closed(url: str, headers: tuple[tuple[str, str], ...]) -> int | None:
    """The code with which a connection with these headers ends."""
    (_, origin), (_, host) = headers
    stream = await trio.open_tcp_stream("127.0.0.1", int(url.rpartition(":")[2]))
    async with stream:
        await stream.send_all(
            f"GET / HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: atomic-store.v1\r\n\r\n"
            .encode()
        )  # fmt: skip
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += await stream.receive_some()
        if b"4403" in answer or b"\x88" in answer.partition(b"\r\n\r\n")[2]:
            return 4403
        # A close frame with 1000, masked with nothing.
        await stream.send_all(b"\x88\x82\x00\x00\x00\x00\x03\xe8")
        frame = answer.partition(b"\r\n\r\n")[2]
        while len(frame) < 4:
            frame += await stream.receive_some()
        return int.from_bytes(frame[2:4], "big")


def test_help_needs_no_web_server() -> None:
    """`atomic-store --help` names it, and loads nothing of what it needs."""
    program = (
        "import json, sys\n"
        "from atomic_store.cli import main\n"
        "main(['--help']); main(['serve', '--help'])\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))\n"
    )
    run = subprocess.run(
        [*command()[:1], "-c", program], capture_output=True, env=environment(), check=True
    )
    *lines, loaded = run.stdout.decode().splitlines()

    assert any(line.startswith("  serve ") for line in lines)
    assert set() == set(json.loads(loaded)) & {
        "trio_websocket", "wsproto", "h11", "prometheus_client",
    }  # fmt: skip


@pytest.mark.parametrize("missing", ["trio_websocket", "wsproto", "h11", "prometheus_client"])
def test_without_its_packages_it_says_what_to_install(missing: str, tmp_path: Path) -> None:
    """Exit 2 and one line; nothing is made."""
    program = (
        f"import sys\nsys.modules[{missing!r}] = None\n"
        "from atomic_store.cli import main\n"
        f"sys.exit(main(['serve', {str(tmp_path / 's')!r}]))\n"
    )
    run = subprocess.run([*command()[:1], "-c", program], capture_output=True, env=environment())

    assert (
        f"atomic-store: serve: expected the gateway's packages, found no {missing}: "
        'pip install "trio-atomic-store[gateway]"\n'
    ) == run.stderr.decode()
    assert (b"", 2) == (run.stdout, run.returncode)
    assert not (tmp_path / "s").exists()


def test_without_stdout_it_does_not_begin(tmp_path: Path) -> None:
    """Nobody would learn the address: exit 2."""
    run = subprocess.run(
        command("serve", tmp_path / "s", "--port=0"), stderr=subprocess.PIPE, env=environment(),
        preexec_fn=lambda: os.close(1), timeout=60,
    )  # fmt: skip

    assert run.stderr.decode().splitlines()[-1].startswith("atomic-store: cannot write to stdout")
    assert 2 == run.returncode
