"""Index files: derived, and never believed further than they can be checked."""

from __future__ import annotations

from ..mutation import of_file

DAMAGE = "test_index_file_damage test_index_matrix test_index_store"

MUTATIONS = [
    *of_file(
        "atomic_store/journal/index_file/contents.py",
        (
            "late-hashes-are-made",
            "A proposal is found by its id although that was not hashed when it came.",
            "        self.hash_late()\n        return self._ids\n",
            "        return self._ids\n",
            "test_memory_index",
        ),
    ),
    *of_file(
        "atomic_store/journal/index_file/pages.py",
        (
            "crc-of-a-page",
            "A page of an index file whose checksum is wrong is damaged.",
            "            if crc != _CRC.pack(_crc(payload, number, self._first_crc)):\n",
            "            if False:\n",
            DAMAGE,
        ),
        (
            "crc-of-the-first-page",
            "So is a first page.",
            "        if crc32(payload) != self._first_crc:\n",
            "        if False:\n",
            DAMAGE,
        ),
        (
            "moved-pages",
            "A page that lies in another one's place is damaged.",
            "_SEED.pack(first_crc, number)",
            "_SEED.pack(first_crc, 0)",
            DAMAGE,
        ),
        (
            "foreign-pages",
            "A page of another index file is damaged.",
            "_SEED.pack(first_crc, number)",
            "_SEED.pack(0, number)",
            DAMAGE,
        ),
        (
            "the-size-of-an-index-file",
            "An index file that was cut off is damaged.",
            "        if self.size != expected:\n",
            "        if False:\n",
            DAMAGE,
        ),
        (
            "later-index-files",
            "An index file of a later format is not read.",
            "        if number != FORMAT:\n",
            "        if False:\n",
            DAMAGE,
        ),
    ),
    *of_file(
        "atomic_store/journal/index_store.py",
        (
            "the-stores-own-index-files",
            "An index file of another store or history is not used.",
            "        return Stretch(header, name) if is_ours else None\n",
            "        return Stretch(header, name)\n",
            DAMAGE,
        ),
        (
            "the-same-index-file",
            "An index file that somebody replaced is noticed.",
            "    if header is not stretch.header and header != stretch.header:\n",
            "    if False:\n",
            DAMAGE,
        ),
        (
            "index-files-are-nobodys-trouble",
            "An index file that cannot be written does not stop the store.",
            (
                "            except (JournalFailed, JournalCorrupt) as error:\n"
                "                self.error = str(error)\n"
                "            else:\n"
            ),
            (
                "            except ZeroDivisionError as error:\n"
                "                self.error = str(error)\n"
                "            else:\n"
            ),
            "test_index_store test_index_faults",
        ),
    ),
    *of_file(
        "atomic_store/journal/skipping.py",
        (
            "the-commit-of-a-piece",
            "An index file is believed only if its commit value is where it says.",
            "            if not _is_commit(disk, file, path, stretch.header):\n",
            "            if False:\n",
            "test_skipping test_index_matrix test_index_damaged_segments test_index_coverage",
        ),
        (
            "the-bytes-of-the-last-commit",
            "The last commit that an index file covers is checked against its bytes.",
            "    if next_value(_commit_in(lines[before]), body) != header.commit:\n",
            "    if False:\n",
            "test_skipping test_index_matrix test_index_damaged_segments test_index_coverage",
        ),
        (
            "the-cut-of-a-covered-segment",
            "A segment is passed by only if it ends with the cut line that the index file implies.",
            "        if ends != cut or not _begins(disk, file, path, chain):\n",
            "        if not _begins(disk, file, path, chain):\n",
            "test_skipping test_index_matrix test_index_damaged_segments",
        ),
        (
            "the-header-of-a-covered-segment",
            "A segment is passed by only if its header continues the chain.",
            "        if ends != cut or not _begins(disk, file, path, chain):\n",
            "        if ends != cut:\n",
            "test_skipping test_index_matrix test_index_damaged_segments",
        ),
        (
            "index-files-are-witnesses",
            "A journal that ends before what an index file names refuses to open.",
            "        if header.last > position:\n",
            "        if False:\n",
            "test_index_matrix",
        ),
    ),
    *of_file(
        "atomic_store/journal/coverage.py",
        (
            "a-damaged-index-file-is-made-again",
            "A damaged index file is made anew, and the answer is the same.",
            "                    self._mend(error, mended)\n",
            "                    raise JournalCorrupt(error.name, 0, '', str(error)) from error\n",
            "test_index_matrix test_index_coverage test_index_faults",
        ),
        (
            "what-an-index-file-is-made-of",
            "An index file is made anew only of the records that it named.",
            "        if (line.position, line.sequence) != (position, sequence):\n",
            "        if False:\n",
            "test_index_damaged_segments test_index_coverage",
        ),
    ),
    *of_file(
        "atomic_store/journal/records.py",
        (
            "the-id-that-was-meant",
            "Two proposals whose ids have the same hash are not mixed up.",
            (
                "            (record,) = read_places(self.disk, self.directory, places(position))\n"
                "            if (record.scope, record.id) == (scope, proposal_id):\n"
            ),
            (
                "            (record,) = read_places(self.disk, self.directory, places(position))\n"
                "            if True:\n"
            ),
            (
                "test_index_model test_index_file_hashes test_index_coverage test_file_journal"
                " test_memory_index"
            ),
        ),
    ),
]
