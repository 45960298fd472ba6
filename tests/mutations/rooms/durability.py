"""Writing: what is synced when, what is never done again, and what is never cut in two."""

from __future__ import annotations

from ..mutation import of_file

CRASHES = "test_faults test_conformance test_creating"

MUTATIONS = [
    *of_file(
        "atomic_store/journal/segments.py",
        (
            "fdatasync",
            "A commit is fdatasynced before anybody is told of it.",
            "            self.disk.fdatasync(self.file)\n",
            "            pass\n",
            CRASHES,
        ),
        (
            "the-new-segment-first",
            "A new segment is durable before the old one names it in its cut line.",
            (
                "        make_durable_file(self.disk, self.directory, segment_name(first), line)\n"
                "        self._append(with_commit(*chain.next_cut()))\n"
            ),
            (
                "        self._append(with_commit(*chain.next_cut()))\n"
                "        make_durable_file(self.disk, self.directory, segment_name(first), line)\n"
            ),
            CRASHES,
        ),
        (
            "a-cut-line",
            "A segment that another one follows ends with a cut line.",
            "        self._append(with_commit(*chain.next_cut()))\n",
            "",
            "test_faults test_opening test_verify",
        ),
        (
            "segments-are-cut",
            "A segment is cut before it gets larger than its limit.",
            "return has_records and self.end + size > self.segment_bytes_max",
            "return has_records and self.end > self.segment_bytes_max",
            "test_format test_file_journal test_opening test_verify test_stock",
        ),
        (
            "no-empty-segment-is-cut",
            "A segment without a record is never cut.",
            "return has_records and self.end + size",
            "return self.end + size",
            "test_file_journal test_format test_faults",
        ),
        (
            "a-close-line",
            "A clean close writes a close line.",
            (
                '        self._write(b"", mark_body(CloseLine(self.chain.position, at)),'
                " cut_first=False)\n"
            ),
            "",
            "test_file_journal test_format test_disk",
        ),
        (
            "commits-are-chained",
            "A commit's value covers its own bytes and all before them.",
            "value = next_value(self.chain.value, before, body)",
            "value = next_value(self.chain.value, body)",
            "test_file_journal test_format",
        ),
    ),
    *of_file(
        "atomic_store/journal/files.py",
        (
            "a-new-file-is-synced",
            "A new file is fsynced before it gets its name.",
            '        with attempting("fsync", temporary):\n            disk.fsync(file)\n',
            "",
            CRASHES,
        ),
        (
            "a-new-name-is-synced",
            "A directory is fsynced after a file in it got its name.",
            "        disk.rename(temporary, path)\n    sync_directory(disk, directory)\n",
            "        disk.rename(temporary, path)\n",
            CRASHES,
        ),
        (
            "no-file-is-replaced",
            "A new file never takes the place of another one.",
            "        if not is_free:\n",
            "        if False:\n",
            "test_faults test_creating",
        ),
        (
            "short-writes-go-on",
            "After a short write the rest is written, at its place.",
            "disk.pwrite(file, memoryview(data)[written:], offset + written)",
            "disk.pwrite(file, memoryview(data)[written:], offset)",
            "test_faults",
        ),
        (
            "a-write-of-nothing-fails",
            "A disk that takes nothing has failed.",
            '                raise OSError(errno.EIO, "nothing was written")\n',
            "                break\n",
            "test_faults",
        ),
    ),
    *of_file(
        "atomic_store/journal/pipeline.py",
        (
            "nothing-after-a-failure",
            "After a failed write or fsync nothing is written on that file any more.",
            "        if self.failure is None:\n            self._writing = Batch()\n",
            "        if True:\n            self._writing = Batch()\n",
            "test_faults",
        ),
        (
            "all-fail-together",
            "If a write fails, everything that was not told yet fails together.",
            "        batches = [self._writing, self.batch]\n",
            "        batches = [self._writing]\n",
            "test_faults test_promises_of_durability",
        ),
        (
            "one-batch-at-a-time",
            "One commit is written at a time.",
            "        if self._writing is None and self.batch.records and self.failure is None:\n",
            "        if self.batch.records and self.failure is None:\n",
            "test_file_journal test_faults",
        ),
        (
            "shown-before-told",
            "What was told can be read.",
            (
                "            self._on_written(batch, result.unwrap())\n"
                "            self.times.add(batch.took_s)\n"
                "            self._writing = None\n"
                "            batch.commit.complete()\n"
            ),
            (
                "            written = result.unwrap()\n"
                "            self.times.add(batch.took_s)\n"
                "            self._writing = None\n"
                "            batch.commit.complete()\n"
                "            self._on_written(batch, written)\n"
            ),
            "test_file_journal test_conformance",
        ),
        (
            "decisions-are-not-cut",
            "A decision never spans two commits.",
            (
                "        written = self._writer.write_commit("
                "batch.bodies, batch.records[-1].position)\n"
            ),
            (
                "        for body, record in zip(batch.bodies, batch.records, strict=True):\n"
                "            written = self._writer.write_commit([body], record.position)\n"
            ),
            "test_faults test_conformance test_file_journal test_promises_of_durability",
        ),
    ),
    *of_file(
        "atomic_store/journal/file.py",
        (
            "expected-sequence",
            "An append that expects another sequence is refused, and stores nothing.",
            "        if end.sequence != expected_sequence:\n",
            "        if False:\n",
            "test_file_journal test_conformance",
        ),
        (
            "a-failed-journal-refuses",
            "A journal that has failed takes nothing any more.",
            "        if pipeline.failure is not None:\n            raise",
            "        if False:\n            raise",
            "test_faults test_conformance",
        ),
        (
            "subscriptions-are-durable",
            "Subscriptions show only records that are fsynced.",
            "        return records, batch.commit\n",
            "        self._on_commit(records)\n        return records, batch.commit\n",
            "test_promises_of_durability test_file_journal",
        ),
        (
            "reading-is-durable",
            "Reading shows only records that are fsynced.",
            "        return records, batch.commit\n",
            (
                "        self._head = Head(last.position, self._head.commit)\n"
                "        return records, batch.commit\n"
            ),
            "test_promises_of_durability test_file_journal test_conformance",
        ),
        (
            "times-rise-over-the-years",
            "`at` never decreases, also when a store is opened again.",
            "    times.last = max(times.last, files.at)\n",
            "",
            "test_file_journal",
        ),
        (
            "lines-are-bounded",
            "No line is longer than a reader would take.",
            "        if len(body) > LINE_BYTES_MAX - LINE_END_BYTES:\n",
            "        if False:\n",
            "test_file_journal",
        ),
    ),
    *of_file(
        "atomic_store/journal/times.py",
        (
            "times-rise",
            "`at` never decreases with position, though the clock goes back.",
            "        if text > self.last:\n",
            "        if text:\n",
            "test_file_journal",
        ),
    ),
    *of_file(
        "atomic_store/journal/drafts.py",
        (
            "one-line-a-record",
            "Nothing is stored that would not stay on one line.",
            '    if b"\\n" in value:\n',
            "    if False:\n",
            "test_file_journal",
        ),
        (
            "only-json",
            "Only JSON is stored.",
            "        _check_json(value)\n",
            "",
            "test_file_journal",
        ),
    ),
    *of_file(
        "atomic_store/journal/disk.py",
        (
            "the-lock-is-not-inherited",
            "Programs that a writer starts do not inherit its files, nor its lock.",
            "        mode = os.fstat(file).st_mode\n",
            "        os.set_inheritable(file, True)\n        mode = os.fstat(file).st_mode\n",
            "test_disk",
        ),
        (
            "no-links",
            "A symbolic link in the place of a file is refused.",
            "access.value | os.O_NOFOLLOW |",
            "access.value |",
            "test_disk test_creating",
        ),
        (
            "files-are-the-owners",
            "A store's files are its owner's alone.",
            "flags, 0o600)",
            "flags, 0o644)",
            "test_disk",
        ),
        (
            "directories-are-the-owners",
            "A store's directories are its owner's alone.",
            "Path(path).mkdir(0o700)",
            "Path(path).mkdir(0o755)",
            "test_disk",
        ),
        (
            "the-directory-itself-is-synced",
            "Syncing a directory reaches the disk.",
            "            os.fsync(directory)\n",
            "            pass\n",
            "test_disk",
        ),
        (
            "the-file-itself-is-synced",
            "A commit's fdatasync reaches the disk.",
            "        _fdatasync(file)\n",
            "        pass\n",
            "test_disk",
        ),
    ),
]
