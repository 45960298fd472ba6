"""Exporting records and importing them: nothing is lost, and nothing wrong gets in."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
import trio

from atomic_store import JsonEvent, open_reader, open_store
from atomic_store.errors import BadExport, TargetRefused
from atomic_store.safekeeping import ExportEnd, export_records, import_records, verify
from atomic_store.safekeeping.gathering import Gathering
from atomic_store.safekeeping.lines import NotExported, parse_exported
from atomic_store.safekeeping.proposals_seen import ProposalsSeen
from atomic_store.testing.faulty_disk import FaultyDisk
from followed_journals import records_in
from journal_files import SEGMENT_BYTES_MAX, STORE, lived
from kept_safe import TARGET, exported, without_places, written

Change = Callable[[list[bytes]], list[bytes]]
LOT_1 = b'"scope":"lot-1"'


def closed_off(lines: list[bytes]) -> bytes:
    """Lines with a right last line."""
    data = b"".join(lines)
    end = {"records": len(lines), "sha256": sha256(data).hexdigest()}
    return data + json.dumps(end, separators=(",", ":")).encode() + b"\n"


def lines_in(disk: FaultyDisk, scope: str | None = None) -> list[bytes]:
    """The lines of a store's export, without the last one."""
    return exported(disk, STORE, scope).splitlines(keepends=True)[:-1]


def refusal(tmp_path: Path, content: bytes) -> tuple[int, str, str]:
    """Try to import; give the line, what was expected and what was found. Nothing is left."""
    disk = FaultyDisk()
    with pytest.raises(BadExport) as refused:
        import_records(written(tmp_path, content), TARGET, disk=disk)
    assert {} == disk.files()
    assert [] == disk.list_directory("/")
    return refused.value.line, refused.value.expected, refused.value.found


async def fill(place: Path, random: Random) -> None:
    """Make a store of whatever a store takes."""
    texts = (
        "",
        "é",
        "\U0001f600",
        'a"b\\c',
        "\x00\x1b[31m\x7f\x9b",
        "\u2028\u202e\ue000",
        "x" * 300,
    )

    def value(depth: int = 0) -> object:
        kinds: list[object] = [None, True, 0, -1, 10**30, 0.1, 1e300, -0.0, random.choice(texts)]
        if depth < 3:
            kinds += [[value(depth + 1)], {random.choice(texts): value(depth + 1)}, {}, []]
        return random.choice(kinds)

    async with open_store(place, events=None) as store:
        for _ in range(random.randrange(1, 25)):
            many = [
                JsonEvent(random.choice(texts[1:4]), value()) for _ in range(random.randrange(1, 4))
            ]
            meta = value()
            await store.store_if_valid(
                JsonEvent("proposed", value()),
                lambda request, many=many, meta=meta: (  # type: ignore[misc]
                    request.accept(*many, meta=meta) if len(many) > 1 else request.accept(meta=meta)
                ),
                scope=random.choice([*texts[1:4], "\u202e", "lot-1", "x" * 512]),
                proposal_id=UUID(int=random.getrandbits(128)),
                metadata=random.choice([None, {"correlation": "c", "any": value()}]),
            )


class TestLossless:
    @pytest.mark.parametrize("seed", range(8))
    def test_there_and_back(self, seed: int, tmp_path: Path) -> None:
        """Exported, imported and exported again, the file is the same to the byte."""
        trio.run(fill, tmp_path / "first.store", Random(seed))
        disk = FaultyDisk.imported_from(tmp_path)
        first = exported(disk, "/first.store")
        done = import_records(
            written(tmp_path, first), TARGET, disk=disk, segment_bytes_max=SEGMENT_BYTES_MAX
        )

        assert first == exported(disk, TARGET)
        assert records_in("/first.store", disk) == records_in(TARGET, disk)
        assert (done.head, ()) == ((found := verify(TARGET, disk=disk)).head, found.damage)
        assert done.scopes == found.scopes

    def test_one_scope(self, tmp_path: Path) -> None:
        """Of whole scopes a store is made, too: only positions are others."""
        disk = lived(is_closed=True)
        import_records(written(tmp_path, exported(disk, STORE, "lot-1")), TARGET, disk=disk)
        records = records_in(TARGET, disk)

        expected = [r for r in records_in(STORE, disk) if r.scope == "lot-1"]
        assert without_places(expected) == without_places(records)
        assert list(range(1, len(expected) + 1)) == [r.position for r in records]

    def test_nothing(self, tmp_path: Path) -> None:
        """An empty store is exported and imported like any other."""
        disk = FaultyDisk()
        done = import_records(written(tmp_path, closed_off([])), TARGET, disk=disk)

        assert (0, 0) == (done.head.position, done.scopes)
        assert closed_off([]) == exported(disk, TARGET)

    def test_another_store(self, tmp_path: Path) -> None:
        """What is imported is another store, with an id and a history of its own; it goes on."""
        path = written(tmp_path, closed_off(lines_in(lived(is_closed=True))))
        done = [import_records(path, tmp_path / name) for name in "ab"]
        identities = [json.loads((tmp_path / name / "store.json").read_bytes()) for name in "ab"]

        async def go_on() -> int:
            async with open_store(tmp_path / "a", events=None) as store:
                assert store.recovery.was_closed
                event = JsonEvent("Bid", 1)
                result = await store.store_if_valid(event, lambda r: r.accept(), scope="lot-1")
                return result.records[0].position

        assert 4 == len({identity[key] for identity in identities for key in ("store", "history")})
        assert [identity["store"] for identity in identities] == [one.store for one in done]
        assert done[0].head.position + 1 == trio.run(go_on)

    def test_a_large_file_in_segments(self, tmp_path: Path) -> None:
        """Commits and segments are cut as it grows; how far it has come is told."""
        line = lines_in(lived(is_closed=True))[0].replace(
            b'"pad":""', b'"pad":"%b"' % (b"x" * 9_000)
        )
        lines = [
            line.replace(b'"sequence":1', b'"sequence":%d' % k).replace(b'0001"', b'%04d"' % k)
            for k in range(1, 601)
        ]
        told: list[tuple[int, int]] = []
        disk = FaultyDisk()
        path = written(tmp_path, closed_off(lines))
        import_records(
            path, TARGET, disk=disk, segment_bytes_max=2_000_000,
            on_progress=lambda *read: told.append(read),
        )  # fmt: skip
        found = verify(TARGET, disk=disk)

        assert (600, 5, ()) == (found.records, found.segments, found.damage)
        assert 2 == len(told)
        assert (path.stat().st_size,) * 2 == told[-1]


class TestCutOff:
    def test_every_byte(self, tmp_path: Path) -> None:
        """A file that was cut off anywhere is refused."""
        content = closed_off(lines_in(lived(is_closed=True))[:1])
        for end in range(len(content)):
            line, _, found = refusal(tmp_path, content[:end])

            assert content[:end].count(b"\n") + 1 == line
            assert "the file's end: it was cut off" == found

    def test_every_bit(self, tmp_path: Path) -> None:
        """A file in which any bit was changed is refused."""
        content = closed_off(lines_in(lived(is_closed=True))[:1])
        for bit in range(0, 8 * len(content), 7):
            changed = bytearray(content)
            changed[bit // 8] ^= 1 << bit % 8

            refusal(tmp_path, bytes(changed))

    def test_more_behind_the_end(self, tmp_path: Path) -> None:
        """Nothing follows the last line."""
        content = closed_off(lines_in(lived(is_closed=True)))

        assert (15, "nothing behind the last line", "another line") == refusal(
            tmp_path, content + b"\n"
        )

    def test_a_count(self, tmp_path: Path) -> None:
        """A line that was taken out is missed by its count; one that was changed, by the hash."""
        lines = lines_in(lived(is_closed=True))
        end = closed_off(lines).splitlines(keepends=True)[-1]

        assert (13, "13 records before it", "12") == refusal(tmp_path, b"".join([*lines[:-1], end]))
        other = b"".join([*lines[:-1], lines[-1].replace(b'"cents":1001', b'"cents":1002'), end])
        assert "lines before it with the SHA-256" in refusal(tmp_path, other)[1]

    def test_a_long_line(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A line that no journal would take is not read to its end."""
        monkeypatch.setattr("atomic_store.safekeeping.importing.LINE_BYTES_MAX", 100)
        content = closed_off(lines_in(lived(is_closed=True)))

        assert (1, "a newline within 100 bytes", "none in 100") == refusal(tmp_path, content)


def put(old: bytes, new: bytes, at: int = 0) -> Change:
    """Change a line."""

    def change(lines: list[bytes]) -> list[bytes]:
        assert old in lines[at]
        return [*lines[:at], lines[at].replace(old, new), *lines[at + 1 :]]

    return change


@pytest.mark.parametrize(
    ("change", "line", "expected", "found"),
    [
        (lambda lines: lines[1:], 5, "sequence 1 of scope 'lot-1'", "sequence 2"),
        (lambda lines: [lines[0], *lines], 2, "sequence 2 of scope 'lot-1'", "sequence 1"),
        (put(b'"Bid"', b'"Bid","part":[2,2]'), 1, "the first record", "record 2 of 2"),
        (lambda lines: [lines[0], *lines[2:]], 2, "sequence 1 of scope 'lot-2'", "sequence 2"),
        (lambda lines: [*lines[:2], *lines[4:]], 3, "record 2 of 3 of proposal", "record 1 of 1"),
        (lambda lines: lines[:3], 5, "record 3 of 3 of proposal", "the end"),
        (lambda lines: [lines[4], *lines[:4]], 2, "a time not before 2026-11-23T15:04:05.12", "."),
        (put(b'"scope":"lot-1"', b'"scope":""'), 1, "what a store may hold", "1 to 512 bytes"),
        (put(b'"cents":100', b'"cents":1e999'), 1, "what a store may hold", "data"),
        (put(b'{"cents"', b'{"pad":1,"cents"'), 1, "what a store may hold", "pad"),
        (put(b'"at":"2026', b'"at":"26'), 1, "a time in UTC of 27 characters", "'26-11"),
        (put(b'"id":"0', b'"id":"A'), 1, "a UUID in lower case", "'A000"),
        (put(b'"type":"Bid"', b'"type":"Bid","v":0'), 1, "a version from 1", "a smaller number"),
        (put(b'"type":"Bid"', b'"type":"Bid","part":[2,1]'), 1, "a part k of n > 1", "part 2 of 1"),
        (put(b'"type":"Bid"', b'"type":"Bid","odd":1'), 1, "a record as `export`", "odd"),
        (put(b'"type":"Bid"', b'"type":""'), 1, "a type of 1 to 512 bytes", "''"),
        (put(b'"type":"Bid",', b""), 1, "a record as `export`", "type"),
        (put(b'"sequence":1', b'"sequence":"1"'), 1, "a record as `export`", "sequence"),
        (put(b'{"position":1,', b'{"records":0,'), 1, "a last line with records", "another"),
    ],
)  # fmt: skip
def test_what_makes_no_store(
    change: Change, line: int, expected: str, found: str, tmp_path: Path
) -> None:
    """Records that no store could have are refused, with the line; nothing is stored."""
    refused = refusal(tmp_path, closed_off(change(lines_in(lived(is_closed=True)))))

    assert line == refused[0]
    assert expected in refused[1]
    assert found in refused[2]


def test_a_second_proposal(tmp_path: Path) -> None:
    """A proposal that is in a scope already is refused, and both lines are named."""
    lines = lines_in(lived(is_closed=True), "lot-1")
    number = [b'"id":"00000000-0000-7000-0000-%012d"' % k for k in (1, 5)]
    refused = refusal(tmp_path, closed_off(put(number[1], number[0], 2)(lines)))

    assert (3, "it is in line 1, too") == (refused[0], refused[2])


def test_keys_that_are_one_by_chance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two proposals with one key are still two."""
    monkeypatch.setattr("atomic_store.safekeeping.importing.proposal_key", lambda *name: 7)
    disk = FaultyDisk()
    path = written(tmp_path, closed_off(lines_in(lived(is_closed=True))))

    assert 13 == import_records(path, TARGET, disk=disk).head.position


def test_targets_that_are_taken(tmp_path: Path) -> None:
    """What is at the target is left alone; an empty directory is taken."""
    path = written(tmp_path, closed_off([]))
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "empty").mkdir()
    for name, found in (("", "a directory with"), ("file", "a regular"), ("link", "a symbolic")):
        with pytest.raises(TargetRefused, match=f"found {found}"):
            import_records(path, tmp_path / name)
    import_records(path, tmp_path / "empty")

    assert (tmp_path / "empty" / "store.json").exists()
    with pytest.raises(TargetRefused, match="found a directory with 'journal' in it"):
        import_records(path, tmp_path / "empty")


def test_what_comes_meanwhile_is_left_alone(tmp_path: Path) -> None:
    """If something comes to the target while the store is made, the store gives way."""
    path = written(tmp_path, closed_off(lines_in(lived(is_closed=True))))
    target = tmp_path / "target"

    def come(done: int, total: int) -> None:
        target.write_text("mine")

    with pytest.raises(TargetRefused):
        import_records(path, target, on_progress=come)
    assert "mine" == target.read_text()
    assert ["records.jsonl", "target"] == sorted(p.name for p in tmp_path.iterdir())


class TestParts:
    def test_a_refused_record_changes_nothing(self) -> None:
        """After a record that does not belong here, the one that does is taken."""
        records = list(map(parse_exported, lines_in(lived(is_closed=True))))
        gathering = Gathering()
        assert [records[0]] == gathering.take(records[0])
        for wrong in (records[0], records[2], records[6]):
            with pytest.raises(NotExported):
                gathering.take(wrong)

        assert None is gathering.take(records[1])
        assert None is gathering.take(records[2])
        assert records[1:4] == gathering.take(records[3])

    def test_doubled_keys(self) -> None:
        """Keys that were added twice are told, whatever lies between them."""
        seen = ProposalsSeen()
        for key in [*range(1_000), 2**64 - 1, 5, 256 + 5, 2**64 - 1]:
            seen.add(key)

        assert {5, 261, 2**64 - 1} == seen.doubled()


def test_what_was_asked_for_is_exported() -> None:
    """The last line is of what was written: so many records, with this hash."""
    disk = lived(is_closed=True)
    parts: list[bytes] = []

    async def main() -> ExportEnd:
        async with open_reader(STORE, disk=disk) as reader:
            return await export_records(reader.read(limit=5), parts.append)

    end = trio.run(main)

    assert (5, b'{"records":5,') == (end.records, parts[-1][:13])
    assert sha256(b"".join(parts[:-1])).hexdigest() == end.sha256
