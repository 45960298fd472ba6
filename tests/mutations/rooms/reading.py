"""Reading: feeds, filters, and readers in other processes."""

from __future__ import annotations

from ..mutation import of_file

MUTATIONS = [
    *of_file(
        "atomic_store/feed.py",
        (
            "a-feed-has-no-gap",
            "A feed that has fallen behind goes on where it was, without a gap.",
            "self._read_to = head if page.next is None else page.next - 1",
            "self._read_to = head if page.next is None else page.next",
            "test_feed",
        ),
        (
            "a-feed-has-no-duplicate",
            "No record comes twice to a feed.",
            "wanted = attrs.evolve(self._wanted, first=self.position + 1, last=head)",
            "wanted = attrs.evolve(self._wanted, first=max(1, self.position), last=head)",
            "test_feed",
        ),
        (
            "a-feed-falls-back",
            "A feed that is behind the window reads the journal.",
            "self.window[0].position > after + 1:",
            "self.window[0].position > after + 10:",
            "test_feed",
        ),
        (
            "the-window-is-bounded",
            "However slow feeds are, memory is bounded.",
            "        while self.window_bytes > self.window_bytes_max:\n",
            "        while False:\n",
            "test_feed",
        ),
        (
            "a-feed-is-filtered",
            "A feed gives only what was asked for, also of what comes live.",
            "[stored for stored in window if self._wanted.matches(stored)]",
            "[stored for stored in window]",
            "test_feed",
        ),
        (
            "a-feed-tells-of-the-failure",
            "A feed ends with `JournalFailed` when the journal has failed.",
            "            elif self._live.failure is not None:\n                raise",
            "            elif False:\n                raise",
            "test_feed test_promises_of_durability",
        ),
        (
            "a-feed-never-begins-ahead",
            "A feed cannot begin ahead of what is durable.",
            "if type(position) is not int or not 0 <= position <= head:",
            "if type(position) is not int or not 0 <= position:",
            "test_feed test_reader_follows",
        ),
    ),
    *of_file(
        "atomic_store/reading.py",
        (
            "a-reading-ends",
            "A reading ends at what was the last record when it began.",
            "        last = head if wanted.last is None else min(wanted.last, head)\n",
            "        last = wanted.last\n",
            "test_reading",
        ),
        (
            "a-reading-has-its-limit",
            "A reading gives no more than its limit.",
            "            self._left = left - len(page.records)\n",
            "            pass\n",
            "test_reading",
        ),
    ),
    *of_file(
        "atomic_store/journal/scanning.py",
        (
            "a-search-checks-what-it-finds",
            "A search takes no record for one that is not in its place.",
            "            if not low <= record.position <= high:\n",
            "            if False:\n",
            "test_scanning_damage",
        ),
        (
            "a-search-gives-what-is-sound",
            "What lies before damage is given; the damage is told with the next page.",
            "                if not self._found:\n                    raise\n",
            "                raise\n",
            "test_scanning_damage",
        ),
        (
            "a-search-is-bounded",
            "A page of a search ends when enough was looked at.",
            "or self._cost >= PAGE_BYTES_MAX:",
            "or False:",
            "test_scanning",
        ),
    ),
    *of_file(
        "atomic_store/journal/tailing.py",
        (
            "a-reader-sees-a-mixture",
            "A reader never takes a mixture of two commits for one.",
            "            if size < self._next or not self._is_unchanged(file):\n",
            "            if size < self._next:\n",
            "test_tailing test_tailing_damage test_reader_races",
        ),
        (
            "a-reader-tells-of-damage",
            "A reader tells of damage.",
            "        return verdict\n",
            "        return None\n",
            "test_tailing_damage test_tailing",
        ),
        (
            "a-reader-looks-again",
            "What looks damaged to a reader is read again before it counts.",
            "            before = problem\n            self.rewind()\n",
            "            raise corrupt(self.segment, problem)\n",
            "test_tailing_damage test_tailing test_reader_races",
        ),
        (
            "a-reader-notices-another-store",
            "A reader notices that another store, or another history of it, has taken its place.",
            "        if (now.store, now.history) != (self.chain.store, self.chain.history):\n",
            "        if False:\n",
            "test_reader_places test_reader_follows test_reader_ends",
        ),
        (
            "a-reader-notices-a-shorter-file",
            "A reader notices that records which it has seen were cut off.",
            "            if size < self.scan.closed_end:\n",
            "            if False:\n",
            "test_tailing_damage test_tailing test_reader_places",
        ),
    ),
    *of_file(
        "atomic_store/filter/matching.py",
        (
            "true-is-no-number",
            "`true` is not 1.",
            "        return lambda item: type(item) is kind and compare(item, value)\n",
            "        return lambda item: compare(item, value)\n",
            "test_filter",
        ),
        (
            "a-number-is-not-true",
            "1 is not `true`.",
            "(type(item) is int or type(item) is float) and compare(item, value)",
            "isinstance(item, int | float) and compare(item, value)",
            "test_filter",
        ),
        (
            "another-type-is-false",
            "A comparison with another type is false, also `!=`.",
            "    return lambda item: type(item) is str and compare(item, value)\n",
            "    return lambda item: compare(str(item), value)\n",
            "test_filter",
        ),
        (
            "case-is-folded",
            "`~` folds case.",
            "folded in item.casefold()",
            "folded in item.lower()",
            "test_filter",
        ),
    ),
    *of_file(
        "atomic_store/filter/parser.py",
        (
            "terms-are-bounded",
            "A filter has at most 64 terms.",
            "        if self._terms == TERMS_MAX:\n",
            "        if False:\n",
            "test_filter_errors",
        ),
        (
            "brackets-are-bounded",
            "At most 32 brackets lie in one another.",
            "        if self._open == BRACKETS_MAX:\n",
            "        if False:\n",
            "test_filter_errors",
        ),
    ),
    *of_file(
        "atomic_store/filter/cursor.py",
        (
            "a-filter-is-bounded",
            "A filter has at most 4 KiB.",
            "    if len(data) > TEXT_BYTES_MAX:\n",
            "    if False:\n",
            "test_filter_errors",
        ),
        (
            "errors-name-the-offset",
            "An error in a filter names the offset.",
            "        raise FilterError(self.text, offset, expected,",
            "        raise FilterError(self.text, 0, expected,",
            "test_filter_errors",
        ),
    ),
    *of_file(
        "atomic_store/filter/needles.py",
        (
            "nothing-that-matches-is-passed-by",
            "A search passes by no line that matches, however a number is written.",
            "    is_plain = value == value // 1 and 0 < abs(value) < _DIGITS_END\n",
            "    is_plain = value == value // 1\n",
            "test_filter_needles test_filter_random",
        ),
    ),
]
