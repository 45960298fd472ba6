"""What journals promise about scopes: their names are only names, and none is forgotten."""

from __future__ import annotations

from ...journal import Journal
from .place import JournalPlace
from .writer import Writer

NASTY_NAMES = [
    *("a", "aa", "aaa", "a/", "a/b", "a/b/", "a.b", "a b", "A", "Lot-1", "lot-1", "lot-1 "),
    *(" ", "  ", "\t", "\n", "\r\n", "lot-1\n", "\x01", "\x1b[31m", "\x7f", "\x85", "lot-10"),
    *("'", '"', "''", '""', "\\", "\\n", "\\u0000", "`", "--", ";", "$1", "%", "%s", "%2F", "_"),
    *("/", "//", ".", "..", "../..", "../../etc/passwd", "~", "journal", "index", "CON", "nul.txt"),
    *("0", "00", "-1", "1e999", "null", "true", "{}", "[]", '{"scope":"a"}', '","scope":"a', "*"),
    *("é", "e\u0301", "ß", "ss", "SS", "\u0131", "I", "i", "\u0130", "\u03a9", "\u2126", "中文"),
    *("\u202elot", "\u200b", "\u2028", "\ufeff", "\ufffd", "\uffff", "\ue000", ">"),
    *("\U0001f600", "\U0001f600\U0001f600", "\U00010000", "\U0010ffff", "\U0001f600" * 128),
    *("a" * 511, "a" * 512, "a" * 511 + "b", "\n" * 512, '"' * 512, "\\" * 512),
]  # fmt: skip
"""Names that are hard to tell apart, to quote or to order; all are allowed."""


class ScopesConformance(JournalPlace):
    """Cases about scopes' names, and about `scopes`."""

    async def test_scopes_are_never_mixed_up(self) -> None:
        """Hundreds of scopes with nasty names, interleaved: each one has its own records."""
        async with self.open_journal() as journal:
            writer = await _filled(journal)

            for scope in _names():
                records = writer.of(scope)
                assert 3 == len(records)
                assert records == await journal.read_scope(scope)
                assert 3 == (await journal.scope_end(scope)).sequence
                for record in records:
                    assert (record,) == await journal.find(scope, record.id)

    async def test_each_scope_is_listed_once(self) -> None:
        """Every scope is listed once, by code point, with its end."""
        async with self.open_journal() as journal:
            await _filled(journal)

            ends = await journal.scopes()
            assert sorted(_names()) == [end.scope for end in ends]
            for end in ends:
                assert end == await journal.scope_end(end.scope)

    async def test_scopes_by_prefix(self) -> None:
        """A prefix selects the scopes that begin with it, letter by letter."""
        async with self.open_journal() as journal:
            await _filled(journal)

            for prefix in (
                "lot-1",
                "a",
                "a/",
                "",
                "é",
                "e",
                "%",
                "_",
                "\\",
                "\U0001f600",
                "zzz",
                "\n",
            ):
                expected = [name for name in sorted(_names()) if name.startswith(prefix)]
                assert expected == [end.scope for end in await journal.scopes(prefix=prefix)]

    async def test_scopes_in_pages(self) -> None:
        """Pages follow each other without doubles and gaps, also within a prefix."""
        async with self.open_journal() as journal:
            await _filled(journal)

            for prefix, limit in (
                ("", 1),
                ("", 7),
                ("", 100),
                ("lot-1", 1),
                ("lot-1", 10),
                ("a", 3),
            ):
                found: list[str] = []
                while page := await journal.scopes(
                    prefix=prefix, after=found[-1] if found else None, limit=limit
                ):
                    assert len(page) <= limit
                    # Each page must go on behind the one before, or this would never end.
                    assert not found or page[0].scope > found[-1]
                    found += [end.scope for end in page]
                expected = [name for name in sorted(_names()) if name.startswith(prefix)]
                assert expected == found
            assert [] == await journal.scopes(limit=0)

    async def test_a_page_may_begin_behind_any_name(self) -> None:
        """`after` need not be a scope, nor have the prefix."""
        async with self.open_journal() as journal:
            await _filled(journal)

            for prefix, after in (
                ("", "lot-150x"),
                ("", "\U0010ffff\U0010ffff"),
                ("", ""),
                ("lot-1", "a"),
                ("lot-1", "lot-17"),
                ("lot-1", "lot-2"),
                ("a", "lot-1"),
            ):
                expected = [n for n in sorted(_names()) if n.startswith(prefix) and n > after]
                ends = await journal.scopes(prefix=prefix, after=after)
                assert expected == [end.scope for end in ends], (prefix, after)

    async def test_a_new_scope_is_listed(self) -> None:
        """A scope is listed from its first durable record on, in its place."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            for count, scope in enumerate(("m", "z", "a", "n"), start=1):
                await writer.write(scope)
                await writer.write(scope)
                ends = await journal.scopes()
                assert sorted(["m", "z", "a", "n"][:count]) == [end.scope for end in ends]


def _names() -> list[str]:
    """All names, different from each other: some of the list look alike, and none is."""
    return [*NASTY_NAMES, *(f"lot-{number}" for number in range(100, 250))]


async def _filled(journal: Journal) -> Writer:
    """Three records in each scope, interleaved."""
    writer = Writer(journal)
    for _ in range(3):
        for name in _names():
            writer.append(name)
        await writer.flush()
    return writer
