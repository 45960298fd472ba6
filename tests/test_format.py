"""The page about the format: its example, and a checker that knows nothing else."""

from __future__ import annotations

import json
import re
from hashlib import blake2b
from pathlib import Path
from zlib import crc32

from atomic_store.journal import Snapshot
from atomic_store.journal.line import FORMAT, LINE_BYTES_MAX
from atomic_store.journal.snapshots.compaction import WASTE_BYTES_MIN
from atomic_store.journal.snapshots.witness import TAIL_BYTES_MAX
from atomic_store.journal.verify import verify
from atomic_store.testing.faulty_disk import FaultyDisk
from followed_journals import records_in
from journal_files import JOURNAL, STORE, lived, writing
from snapshot_stores import kept

PAGE = (Path(__file__).parent.parent / "docs" / "format.md").read_text(encoding="utf-8")


def example() -> FaultyDisk:
    """The store that the page shows."""
    disk = FaultyDisk()
    for name, content in re.findall(r"`([\w/.]+)`:\n\n```json\n(.*?)```", PAGE, re.DOTALL):
        disk.put(f"{STORE}/{name}", content.encode())
    return disk


def digest(*parts: bytes) -> str:
    """BLAKE2b with a digest of 16 bytes."""
    return blake2b(b"".join(parts), digest_size=16).hexdigest()


def check_by_the_page(disk: FaultyDisk) -> int:
    """Check a closed store by the page alone; give how many records it has."""
    files = disk.files()
    store = json.loads(files[f"{STORE}/store.json"])
    value = digest(store["store"].encode())
    close: dict[str, object] = {}
    position, sequences, at = 0, dict[str, int](), ""
    segments = sorted(path for path in files if path.startswith(JOURNAL))
    for number, path in enumerate(segments, 1):
        pending = b""
        lines = files[path].split(b"\n")
        assert b"" == lines.pop()
        close = json.loads(lines[-1])
        for k, line in enumerate(lines, 1):
            body, crc = line[:-18], line[-18:]
            assert crc == b',"crc":"%08x"}' % crc32(body)
            parsed = json.loads(line)
            if k == 1:
                assert [1, store["store"], store["history"], number, position + 1, value] == [
                    *parsed.values()
                ][:6]
            if "position" in parsed:
                position += 1
                scope = parsed["scope"]
                sequences[scope] = sequences.get(scope, 0) + 1
                assert [position, sequences[scope]] == [parsed["position"], parsed["sequence"]]
                assert at <= parsed["at"]
                at = parsed["at"]
            if "commit" not in parsed:
                pending += line + b"\n"
                continue
            body = body[: -len(',"commit":""') - 32]
            assert parsed["commit"] == digest(value.encode(), pending, body)
            pending = b""
            if "cut" in parsed:
                assert segments[number].endswith(parsed["cut"])
                assert k == len(lines)
            else:
                value = parsed["commit"]
    assert position == close["close"]
    return position


def snapshots_by_the_page(disk: FaultyDisk) -> dict[str, object]:
    """Read the newest states of the fold's version 1 by the page alone."""
    files = disk.files()
    store = json.loads(files[f"{STORE}/store.json"])
    commits = {
        parsed["position"]: parsed["commit"]
        for path, content in files.items()
        if path.startswith(JOURNAL)
        for line in content.splitlines()
        if "position" in (parsed := json.loads(line)) and "commit" in parsed
    }
    path = max(path for path in files if path.startswith(f"{STORE}/snapshots/"))
    header, *lines = files[path].splitlines()
    parsed = json.loads(header)
    number = int(path[-26:-6])
    assert [1, store["store"], store["history"], number] == [*parsed.values()][:4]
    found: dict[str, dict[int, object]] = {}
    position = 0
    for line in lines:
        body, crc = line[:-18], line[-18:]
        assert crc == b',"crc":"%08x"}' % crc32(body)
        parsed = json.loads(line)
        assert commits[parsed["position"]] == parsed["commit"]
        assert position <= parsed["position"]
        position = parsed["position"]
        if "deleted" in parsed:
            for sequence in range(parsed["first"], parsed["last"] + 1):
                found.get(parsed["deleted"], {}).pop(sequence, None)
        elif parsed["fold"] == 1:
            assert body.endswith(b'"state":' + body[-parsed["length"] :])
            found.setdefault(parsed["snapshot"], {})[parsed["sequence"]] = parsed["state"]
    return {scope: states[max(states)] for scope, states in found.items() if states}


class TestFormat:
    def test_example(self) -> None:
        """The example is a sound store, for this library and for a checker made from the page."""
        disk = example()
        found = verify(STORE, disk=disk)

        assert (3, 2, (), ()) == (found.records, found.segments, found.notes, found.damage)
        assert 3 == check_by_the_page(disk)

    def test_example_shows_all_members(self) -> None:
        """Every member of every line is in the example."""
        shown: set[str] = set()
        for content in example().files().values():
            for line in content.splitlines():
                shown |= set(json.loads(line))
        tables = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
        named = {name for cell in tables for name in re.findall(r"`(\w+)`", cell)}

        assert shown == named

    def test_stranger_reads_ours(self) -> None:
        """A checker made from the page accepts what the library writes."""
        disk = lived(is_closed=True)

        assert 13 == check_by_the_page(disk) == len(records_in(STORE, disk))

    def test_numbers(self) -> None:
        """The numbers on the page are those of the code."""
        assert f"No line is longer than {LINE_BYTES_MAX} bytes." in PAGE
        assert f"describes format {FORMAT} " in PAGE
        assert f"at least {WASTE_BYTES_MIN // 1024**2} MiB and more than half" in PAGE
        assert f"is looked for in its last {TAIL_BYTES_MAX // 1024**2} MiB" in PAGE


class TestSnapshots:
    async def test_example(self) -> None:
        """The library finds in the example's log what the page says."""
        async with writing(example()) as store:
            found = await store.journal.load_snapshot("lot-1", version=1)
            assert found == Snapshot("lot-1", 3, 1, b'{"best":600}')
            assert await store.journal.load_snapshot("lot-1", version=1, last=2) is None
            assert store.journal.snapshots_skipped == 0

    def test_stranger_reads_ours(self) -> None:
        """A checker made from the page finds the same in a log that the library wrote."""
        disk = kept(3, 6)

        assert {"lot-1": ["lot-1", 6], "lot-2": ["lot-2", 6]} == snapshots_by_the_page(disk)
        assert {"lot-1": {"best": 600}} == snapshots_by_the_page(example())
