"""Opening: what is judged, what is mended, what is refused, and who has the lock."""

from __future__ import annotations

from ..mutation import of_file

CRASHES = "test_creating test_opening test_faults"

MUTATIONS = [
    *of_file(
        "atomic_store/journal/mending.py",
        (
            "a-failed-copy-is-not-left",
            "A copy of a torn tail that could not be finished is taken away.",
            "                disk.unlink(kept)\n",
            "                pass\n",
            "test_opening",
        ),
        (
            "the-last-commit-again",
            "Opening writes the last commit again before anything is served.",
            "    write_all(disk, file, path, data, commit.offset)\n",
            "",
            CRASHES,
        ),
        (
            "the-last-commit-is-synced",
            "What opening writes again is fsynced.",
            (
                "    write_all(disk, file, path, data, commit.offset)\n"
                '    with attempting("fsync", path):\n'
                "        disk.fsync(file)\n"
            ),
            "    write_all(disk, file, path, data, commit.offset)\n",
            CRASHES,
        ),
        (
            "what-is-cut-off-is-synced",
            "What is kept aside is fsynced before it is cut off.",
            '            with attempting("fsync", kept):\n                disk.fsync(copy)\n',
            "",
            CRASHES,
        ),
        (
            "what-is-cut-off-has-a-durable-name",
            "The directory is fsynced before a torn tail is cut off.",
            "    sync_directory(disk, directory)\n    return kept\n",
            "    return kept\n",
            CRASHES,
        ),
        (
            "a-finished-cut-is-synced",
            "A cut line that opening writes is fsynced.",
            (
                "        write_all(disk, file, path, line, offset)\n"
                '        with attempting("fsync", path):\n'
                "            disk.fsync(file)\n"
            ),
            "        write_all(disk, file, path, line, offset)\n",
            CRASHES,
        ),
    ),
    *of_file(
        "atomic_store/journal/opening.py",
        (
            "torn-is-kept-aside",
            "A torn tail is kept aside.",
            (
                "                kept = keep_aside("
                "self.disk, self.directory, name, file, self._verdict)\n"
            ),
            '                kept = ""\n',
            "test_opening",
        ),
        (
            "torn-is-cut-off",
            "A torn tail is cut off.",
            "                    self.disk.ftruncate(file, self._verdict.offset)\n",
            "                    pass\n",
            "test_opening test_faults",
        ),
        (
            "torn-is-reported",
            "`store.recovery` tells how many bytes were cut off.",
            "torn_bytes=self._verdict.size if isinstance(self._verdict, Torn) else 0,",
            "torn_bytes=0,",
            "test_opening",
        ),
        (
            "segment-names-are-synced",
            "Opening fsyncs the directory of the segments.",
            "            sync_directory(self.disk, self.directory)\n",
            "",
            CRASHES,
        ),
        (
            "the-stores-names-are-synced",
            "Opening fsyncs the store's directory.",
            "            sync_directory(self.disk, self.path)\n",
            "",
            CRASHES,
        ),
        (
            "the-stores-own-name-is-synced",
            "The directory of a new store's directory is fsynced.",
            "        make_name_durable(disk, path, was_there=found is Found.BEGUN)\n",
            "        pass\n",
            CRASHES,
        ),
        (
            "the-stores-own-name-is-synced-late",
            "So is that of a directory whose maker was killed before.",
            "        make_name_durable(",
            "        found is Found.BEGUN or make_name_durable(",
            CRASHES,
        ),
        (
            "an-unfinished-cut",
            "A cut that a crash left unfinished is finished.",
            "        if self._before is not None and self._has_only_header():\n",
            "        if False:\n",
            CRASHES,
        ),
        (
            "a-missing-segment",
            "A missing segment refuses to open.",
            "            if name != expected:\n",
            "            if False:\n",
            "test_opening",
        ),
        (
            "a-missing-last-segment",
            "A last segment that names another one, which is missing, refuses to open.",
            "        if scan.cut is not None:\n            raise",
            "        if False:\n            raise",
            "test_opening",
        ),
        (
            "an-uncut-segment",
            "A segment without a cut line, though another one with records follows, is damage.",
            "or scan.header is None or not is_being_cut(self._reader, following):",
            "or scan.header is None:",
            "test_opening",
        ),
        (
            "snapshots-are-witnesses",
            "A journal that ends before what a snapshot rests on refuses to open.",
            "            opening.hear_witness()\n",
            "",
            "test_snapshot_witness",
        ),
        (
            "one-writer",
            "A store has one writer: opening takes its lock.",
            '    lock = take_lock(disk, f"{path}/{LOCK}")\n',
            '    lock = disk.open(f"{path}/{LOCK}", Access.LOCK)\n',
            "test_disk test_creating",
        ),
        (
            "the-lock-is-given-back",
            "A closed store can be opened again: its lock is given back.",
            "                self.disk.close(self.lock)\n",
            "                pass\n",
            "test_disk test_file_journal",
        ),
    ),
    *of_file(
        "atomic_store/journal/lock.py",
        (
            "a-second-writer",
            "A second writer is refused.",
            "        if not disk.lock(file):\n",
            "        if disk.lock(file) is None:\n",
            "test_creating test_disk",
        ),
        (
            "the-holder-is-named",
            "A second writer is told which process has the store.",
            "        write_all(disk, file, path, holder, 0)\n",
            "",
            "test_creating test_disk",
        ),
        (
            "a-holder-that-is-gone",
            "A lock that outlives its process is told to be inherited.",
            "    if disk.is_running(holder.pid):\n",
            "    if True:\n",
            "test_creating test_disk",
        ),
        (
            "a-holder-elsewhere",
            "A holder on another host is told with that host's name.",
            "    if holder.host != host:\n",
            "    if False:\n",
            "test_creating test_disk",
        ),
        (
            "no-right-to-the-lock",
            "Whoever may not write the lock is still told who has it.",
            "        _refuse_if_held(disk, path, error)\n",
            "",
            "test_creating test_disk",
        ),
    ),
    *of_file(
        "atomic_store/journal/creating.py",
        (
            "other-directories",
            "A directory that is not empty, and no store, is refused.",
            "    if others:\n",
            "    if False:\n",
            "test_creating",
        ),
        (
            "segments-without-a-store",
            "Segments with records, and no store.json, are damage.",
            "    if content != header_line(Chain(header.store, header.history))[0]:\n",
            "    if False:\n",
            "test_creating test_opening",
        ),
        (
            "a-begun-store-is-finished",
            "A store whose making crashed is finished, with the ids that it has.",
            "        store, history = header.store, header.history\n",
            "        store, history = new_id(), new_id()\n",
            "test_creating",
        ),
        (
            "the-begun-name-is-synced",
            "The names that a crashed making left are fsynced before store.json is made.",
            (
                "        # Its name may not have been durable yet.\n"
                "        sync_directory(disk, directory)\n"
            ),
            "",
            "test_creating",
        ),
    ),
    *of_file(
        "atomic_store/journal/failing.py",
        (
            "something-else-is-damage",
            "Something that is no file, in the place of one, is damage.",
            "        if isinstance(error, NotAFile):\n",
            "        if False:\n",
            "test_creating test_disk test_opening",
        ),
    ),
]
