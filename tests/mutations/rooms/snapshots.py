"""Snapshots: only what is durable is kept, and only what matches counts."""

from __future__ import annotations

from ..mutation import of_file

MUTATIONS = [
    *of_file(
        "atomic_store/snapshots.py",
        (
            "snapshots-are-of-durable-states",
            "A state is kept only once all that it rests on is durable.",
            "            await offer.commit.wait()\n",
            "",
            "test_snapshots test_snapshot_faults",
        ),
        (
            "the-folds-version",
            "A snapshot counts only for the same version of the fold.",
            "version=self._version, last=last)",
            "version=1, last=last)",
            "test_snapshots test_snapshots_on_disk",
        ),
        (
            "states-that-cannot-be-read",
            "A state that is none any more is passed over for an older one, then for a replay.",
            "                last = kept.sequence - 1\n",
            "                return None\n",
            "test_snapshots test_snapshots_on_disk",
        ),
        (
            "snapshots-are-nobodys-trouble",
            "What goes wrong with snapshots does not stop the store.",
            "            self.error = _told(error)\n        finally:",
            "            raise\n        finally:",
            "test_snapshots test_snapshot_faults",
        ),
        (
            "closing-does-not-wait-for-snapshots",
            "Closing waits for snapshots a second at most.",
            "        self._work.deadline = trio.current_time() + CLOSING_SECONDS\n",
            "        self._work.deadline = trio.current_time() + 100 * CLOSING_SECONDS\n",
            "test_snapshots",
        ),
        (
            "states-wait-in-bounds",
            "At most 1,000 states wait to be kept.",
            "        if len(self._offers) < OFFERS_MAX or scope.name in self._offers:\n",
            "        if True:\n",
            "test_snapshots",
        ),
    ),
    *of_file(
        "atomic_store/journal/drafts.py",
        (
            "no-snapshot-ahead",
            "A journal keeps no snapshot of a record that is not durable.",
            "    if not 1 <= snapshot.sequence <= end:\n",
            "    if snapshot.sequence < 1:\n",
            "test_snapshot_faults test_conformance test_snapshots",
        ),
    ),
    *of_file(
        "atomic_store/journal/snapshots/keeper.py",
        (
            "the-commit-of-a-snapshot",
            "A snapshot whose commit value is not the journal's does not count.",
            "            return await self._commit_at(line.position) == line.commit\n",
            "            return await self._commit_at(line.position) is not None\n",
            "test_snapshots_on_disk test_snapshot_faults",
        ),
        (
            "an-older-snapshot",
            "Where the newest snapshot does not count, an older one does.",
            "            log.index.remove(scope, version, kept.offset)\n",
            "            self.skipped += 1\n            return None\n",
            "test_snapshots_on_disk test_snapshot_faults test_conformance",
        ),
        (
            "the-snapshots-own-scope",
            "A snapshot of another scope is never taken for a scope's own.",
            "            if line is not None and (line.snapshot, line.fold) != (scope, version):\n",
            "            if False:\n",
            "test_snapshots_on_disk",
        ),
        (
            "no-snapshot-after-a-failure",
            "No snapshot is written once writing one has failed.",
            "        if self._failure is not None:\n            raise",
            "        if False:\n            raise",
            "test_snapshot_faults",
        ),
    ),
    *of_file(
        "atomic_store/journal/snapshots/log.py",
        (
            "the-stores-own-snapshots",
            "Snapshots of another store or history do not count.",
            "                if read_range(place.disk, file, path, 0, len(header)) == header:\n",
            "                if True:\n",
            "test_snapshots_on_disk test_snapshot_witness",
        ),
        (
            "behind-a-torn-snapshot",
            "What is written behind a torn line is a line of its own.",
            'gap = b"\\n" if log.is_torn else b""',
            'gap = b""',
            "test_snapshots_on_disk test_snapshot_faults test_snapshot_compaction",
        ),
    ),
    *of_file(
        "atomic_store/journal/snapshots/lines.py",
        (
            "damaged-snapshots",
            "A snapshot whose crc is wrong does not count.",
            "    if not has_right_crc(line):\n        return None\n",
            "",
            "test_snapshot_lines test_snapshots_on_disk",
        ),
    ),
    *of_file(
        "atomic_store/journal/snapshots/witness.py",
        (
            "records-that-snapshots-rest-on",
            "A snapshot beyond the journal's end says that records are missing.",
            "    if last > position:\n",
            "    if last > position + 1:\n",
            "test_snapshot_witness test_snapshots_on_disk",
        ),
    ),
]
