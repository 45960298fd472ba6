"""The sections of an index file, each as the table that it is."""

from __future__ import annotations

from typing import final

import attrs

from .hashes import HashTable
from .layout import I64, SPAN_ROW, U32, Section
from .names import NameTable
from .numbers import Numbers
from .pages import PageFile


@final
@attrs.frozen(eq=False)
class Tables:
    """All sections but the one of ends. They read pages when they are asked."""

    offsets: Numbers
    """By ordinal; counted from where the covered bytes begin."""
    times: Numbers
    scopes: NameTable
    places: Numbers
    ids: HashTable
    correlations: HashTable


def tables_of(file: PageFile) -> Tables:
    """Give the sections of a file."""
    page, sections = file.payload, file.header.sections
    scopes = sections[Section.SCOPES]
    return Tables(
        Numbers(page, sections[Section.OFFSETS], file.header.offset_code),
        Numbers(page, sections[Section.TIMES], I64),
        NameTable(page, scopes.first_page, scopes.pages, SPAN_ROW.size),
        Numbers(page, sections[Section.PLACES], U32),
        HashTable(page, sections[Section.IDS]),
        HashTable(page, sections[Section.CORRELATIONS]),
    )
