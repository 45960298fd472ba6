"""How a case of the suite comes by its journal."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from ...journal import Draft, Journal


class JournalPlace:
    """Where one case's journal lies: what the author of a journal overrides."""

    def open_journal(self) -> AbstractAsyncContextManager[Journal]:
        """
        Open the journal of this case.

        The first time in a case it must be new and empty. For a journal that is
        persistent, the times after that open the same one again. There is one
        instance of the class for each case, so what makes the difference may be kept
        in `self`, or in a fixture such as pytest's `tmp_path`.
        """
        raise NotImplementedError("open_journal() must be overridden: it opens your journal")

    def unstorable_drafts(self) -> Sequence[Draft]:
        """
        Drafts for the scope ``lot-1`` that this journal must refuse.

        May be overridden, for example with a decision that is too large for the
        journal as `open_journal` opens it.
        """
        return [Draft("lot-1", "00000000-0000-4000-8000-000000000000", ())]
