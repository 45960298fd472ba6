"""The suite, put together."""

from __future__ import annotations

from .appending import AppendingConformance
from .closing import ClosingConformance
from .committing import CommittingConformance
from .reading import ReadingConformance
from .reopening import ReopeningConformance
from .scanning import ScanningConformance
from .scopes import ScopesConformance
from .snapshots import SnapshotsConformance


class JournalConformance(
    AppendingConformance,
    ReadingConformance,
    ScanningConformance,
    ScopesConformance,
    CommittingConformance,
    ClosingConformance,
    SnapshotsConformance,
):
    """
    What every journal must do, as a base class for a test class of pytest.

    Override `open_journal`. The cases are `async` methods named ``test_…`` that run
    under pytest-trio.
    """


class PersistentJournalConformance(JournalConformance, ReopeningConformance):
    """What a journal must do that outlives the program: all of that, and opening it again."""
