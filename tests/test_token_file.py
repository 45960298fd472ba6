"""The tokens of a file that changes while they are asked for."""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store.gateway.access import BadTokenFile, TokenFile, Tokens
from atomic_store.gateway.access.token_changes import change_token_file
from atomic_store.gateway.access.token_file import POLL_S, FileSource, permissions_fault
from atomic_store.gateway.access.token_text import write
from token_files import NOW, FakeSource, entry, source, token, tokens, trio_now

COUNTS_WITHIN_S = 2.0
"""What PROTOCOL promises of a token file that has changed."""


@attrs.define
class Told:
    """How often a watcher was called back, and whether two tokens were valid each time."""

    file: TokenFile
    valid: list[tuple[bool, bool]] = attrs.field(factory=list)

    def __call__(self) -> None:
        self.valid.append(
            (
                self.file.still_valid(entry(1).id) is not None,
                self.file.still_valid(entry(2).id) is not None,
            )
        )


def opened(fake: FakeSource) -> TokenFile:
    """A token file in memory, whose time is Trio's."""
    return TokenFile("tokens.json", now=trio_now, source=fake)


@asynccontextmanager
async def watched(file: TokenFile) -> AsyncIterator[Told]:
    """Somebody who watches it."""
    told = Told(file)
    async with trio.open_nursery() as nursery:
        await nursery.start(file.watch, told)
        yield told
        nursery.cancel_scope.cancel()


async def a_look() -> None:
    """Let time go on for as long as a change may take to count, and no longer."""
    await trio.sleep(COUNTS_WITHIN_S)
    await wait_all_tasks_blocked()


def logged(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """What was logged at a level."""
    assert {"atomic_store.gateway"} >= {record.name for record in caplog.records}
    return [record.getMessage() for record in caplog.records if record.levelno == level]


class TestAsked:
    async def test_it_knows_whom_a_token_stands_for(self, autojump_clock: MockClock) -> None:
        """Whoever is in the file, with his rights."""
        file: Tokens = opened(source(entry(1), entry(2, "bob")))

        known = file.lookup(token(2))
        assert known is not None
        assert ("bob", entry(2).id) == (known.principal.name, known.id)
        assert known.principal == file.still_valid(known.id)
        assert file.lookup(token(3)) is None

    async def test_expiry_counts_at_once(self, autojump_clock: MockClock) -> None:
        """Whoever asks is answered by the time of his question, with or without a watcher."""
        file = opened(source(entry(1, expires=NOW + timedelta(seconds=5))))
        await trio.sleep(4.9)
        assert file.lookup(token(1)) is not None
        await trio.sleep(0.1)

        assert file.lookup(token(1)) is None
        assert file.still_valid(entry(1).id) is None

    def test_a_bad_file_is_refused_at_the_start(self) -> None:
        """A gateway does not begin with one."""
        with pytest.raises(BadTokenFile, match=r"tokens\.json: line 1, column 1: "):
            TokenFile("tokens.json", source=FakeSource(b""))

    def test_it_does_not_show_what_it_holds(self) -> None:
        """Its repr has no hash."""
        file = TokenFile("tokens.json", now=lambda: NOW, source=source(entry(1)))

        assert entry(1).sha256.hex() not in repr(file)
        assert repr(entry(1).sha256) not in repr(file)


class TestWatching:
    async def test_revoking_is_told(self, autojump_clock: MockClock) -> None:
        """When the call comes, the revoked one is not valid any more, and the other one is."""
        fake = source(entry(1), entry(2))
        async with watched(opened(fake)) as told:
            await trio.sleep(3.5)
            assert [] == told.valid
            fake.put(entry(2))
            await a_look()

            assert [(False, True)] == told.valid

    async def test_other_rights_are_told(self, autojump_clock: MockClock) -> None:
        """An open connection has those of now."""
        fake = source(entry(1))
        file = opened(fake)
        async with watched(file) as told:
            fake.put(entry(1, read=("lot/",)))
            await a_look()

            assert [(True, False)] == told.valid
            assert entry(1, read=("lot/",)).principal == file.still_valid(entry(1).id)

    async def test_a_new_token_counts(self, autojump_clock: MockClock) -> None:
        """One that was added while the gateway runs."""
        fake = source(entry(1))
        file = opened(fake)
        async with watched(file) as told:
            fake.put(entry(1), entry(2))
            await a_look()

            assert file.lookup(token(2)) is not None
            assert [(True, True)] == told.valid

    async def test_expiry_is_told(self, autojump_clock: MockClock) -> None:
        """Each time that one expires, within the time of a look, and only once."""
        fake = source(
            entry(1, expires=NOW + timedelta(seconds=10)),
            entry(2, expires=NOW + timedelta(seconds=20)),
        )
        async with watched(opened(fake)) as told:
            await trio.sleep(9.99)
            assert [] == told.valid
            await trio.sleep(0.01 + POLL_S)
            await wait_all_tasks_blocked()
            assert [(False, True)] == told.valid
            await trio.sleep(30)

            assert [(False, True), (False, False)] == told.valid

    async def test_what_changes_nothing_is_not_told(self, autojump_clock: MockClock) -> None:
        """Another text with the same tokens; an expired one that is taken away."""
        fake = source(entry(1), entry(2, expires=NOW))
        async with watched(opened(fake)) as told:
            fake.text += b"\n"
            await a_look()
            fake.put(entry(1, note="another note"))
            await a_look()

            assert [] == told.valid

    async def test_a_change_before_watching_is_seen(self, autojump_clock: MockClock) -> None:
        """Between reading the file and watching it, nothing is missed."""
        fake = source(entry(1))
        file = opened(fake)
        await trio.sleep(100)
        fake.put(entry(2))
        async with watched(file) as told:
            await wait_all_tasks_blocked()

            assert [(False, True)] == told.valid

    @pytest.mark.parametrize("text", [b"", b"{", b"\xff", write(tokens(entry(2)))[:-3]])
    async def test_a_damaged_file_changes_nothing(
        self, text: bytes, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The tokens stay in force, it is logged once, and the next good version counts."""
        fake = source(entry(1))
        file = opened(fake)
        async with watched(file) as told:
            fake.text = text
            await a_look()
            await a_look()
            assert file.lookup(token(1)) is not None
            (complaint,) = logged(caplog, logging.ERROR)
            assert complaint.startswith("tokens.json: ")
            assert complaint.endswith("; the tokens that were read before stay in force")
            fake.put(entry(2))
            await a_look()

            assert [(False, True)] == told.valid
            assert 1 == len(logged(caplog, logging.ERROR))

    async def test_a_file_that_is_gone_changes_nothing(
        self, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is logged; tokens still expire; and when it is back as it was, all is well."""
        fake = source(entry(1), entry(2, expires=NOW + timedelta(seconds=60)))
        async with watched(opened(fake)) as told:
            fake.error = FileNotFoundError(errno.ENOENT, "No such file or directory", "t")
            await trio.sleep(30)
            assert [] == told.valid
            await trio.sleep(60)
            assert [(True, False)] == told.valid
            fake.error = None
            await a_look()

            assert [(True, False)] == told.valid
            (complaint,) = logged(caplog, logging.ERROR)
            assert complaint.startswith("tokens.json: No such file or directory; the tokens")

    async def test_each_other_damage_is_logged(
        self, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        """And the same one again, if it was mended meanwhile."""
        fake = source(entry(1))
        good = fake.text
        async with watched(opened(fake)):
            for text in (b"{", b"[]", good, b"[]"):
                fake.text = text
                await a_look()

            assert 3 == len(logged(caplog, logging.ERROR))

    async def test_no_log_shows_a_token(
        self, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Not even where somebody wrote one into the file."""
        fake = source(entry(1))
        async with watched(opened(fake)):
            for text in (token(7).encode(), b'["' + token(7).encode() + b'"]', fake.text):
                fake.text = text
                await a_look()

            assert 2 == len(logged(caplog, logging.ERROR))
            assert token(7)[4:] not in caplog.text

    async def test_watching_ends_when_it_is_cancelled(self, autojump_clock: MockClock) -> None:
        """And the tokens that counted last stay in force."""
        fake = source(entry(1))
        file = opened(fake)
        async with watched(file):
            pass
        fake.put(entry(2))

        assert file.lookup(token(1)) is not None


class TestRealFile:
    async def test_revoking_is_told_in_time(self, tmp_path: Path) -> None:
        """A file that is changed as the command line does, read in a thread, in two seconds."""
        path = tmp_path / "tokens.json"
        change_token_file(path, lambda _: tokens(entry(1), entry(2)), may_be_new=True)
        is_told = trio.Event()
        file = TokenFile(path)
        async with trio.open_nursery() as nursery:
            await nursery.start(file.watch, is_told.set)
            await trio.to_thread.run_sync(
                change_token_file, path, lambda tokens: tokens.without(entry(1).id)
            )
            with trio.fail_after(COUNTS_WITHIN_S):
                await is_told.wait()
            nursery.cancel_scope.cancel()

        assert file.still_valid(entry(1).id) is None
        assert file.lookup(token(2)) is not None

    async def test_a_disk_that_hangs_hinders_nobody(self) -> None:
        """It is read in a thread: tokens expire all the same, and watching can be cancelled."""
        release, is_hanging = threading.Event(), trio.Event()
        trio_token = trio.lowlevel.current_trio_token()

        @attrs.define(eq=False)
        class Hanging(FakeSource):
            uses_threads: bool = True
            reads: int = 0

            def read(self) -> object:  # type: ignore[override]  # what it gives is not looked at
                self.reads += 1
                if self.reads > 1:
                    trio_token.run_sync_soon(is_hanging.set)
                    release.wait()
                return super().read()

        moment = [NOW]
        fake = Hanging(source(entry(1, expires=NOW + timedelta(seconds=1))).text)
        file = TokenFile("t", now=lambda: moment[0], source=fake)  # type: ignore[arg-type]  # see above
        is_told = trio.Event()
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                await nursery.start(file.watch, is_told.set)
                await is_hanging.wait()
                moment[0] += timedelta(seconds=1)
                await is_told.wait()
                nursery.cancel_scope.cancel()
        release.set()

        assert 2 == fake.reads

    def test_a_link_is_followed(self, tmp_path: Path) -> None:
        """Secrets are mounted as links."""
        (tmp_path / "real.json").write_bytes(write(tokens(entry(1))))
        (tmp_path / "link.json").symlink_to("real.json")

        assert TokenFile(tmp_path / "link.json").lookup(token(1)) is not None

    @pytest.mark.parametrize("kind", ["nothing", "directory", "fifo"])
    def test_what_is_no_file_is_refused(self, kind: str, tmp_path: Path) -> None:
        """At once: nobody waits for the other end of a FIFO."""
        path = tmp_path / "tokens.json"
        make: dict[str, Callable[[], object]] = {
            "nothing": lambda: None, "directory": path.mkdir, "fifo": lambda: os.mkfifo(path),
        }  # fmt: skip
        make[kind]()

        with pytest.raises(OSError, match=r"No such file|expected a regular file") as caught:
            TokenFile(path)
        assert str(path) == str(caught.value.filename)

    def test_no_more_is_read_than_there_may_be(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One byte more says that it is too large."""
        monkeypatch.setattr("atomic_store.gateway.access.token_file.FILE_BYTES_MAX", 10)
        (tmp_path / "t").write_bytes(b"x" * 1_000)

        assert 11 == len(FileSource(tmp_path / "t").read().text)


class TestPermissions:
    @pytest.mark.parametrize(
        ("mode", "what"),
        [(0o600, None), (0o400, None), (0o644, "read"), (0o640, "read"), (0o660, "change")],
    )
    async def test_wide_ones_are_warned_of(
        self,
        mode: int,
        what: str | None,
        autojump_clock: MockClock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """At the start and with each new version; the file is used all the same."""
        fake = source(entry(1))
        fake.mode = mode
        file = opened(fake)
        async with watched(file):
            fake.put(entry(2))
            await a_look()

        found = f"found mode {mode:o}: others can {what} it"
        complaint = f"expected a file of its owner alone, mode 600, {found}"
        assert (None if what is None else complaint) == permissions_fault(mode)
        expected = [] if what is None else [f"tokens.json: {complaint}"] * 2
        assert expected == logged(caplog, logging.WARNING)
        assert file.lookup(token(2)) is not None
