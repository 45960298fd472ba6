"""Whose turn it is."""

from __future__ import annotations

from ..mutation import of_file

RULES = "test_admission test_promises_of_rounds"

MUTATIONS = [
    *of_file(
        "atomic_store/admission.py",
        (
            "one-round",
            "In a scope at most one round is open.",
            "if self.phase is not Phase.AVAILABLE:",
            "if self.phase is Phase.CLOSED:",
            RULES,
        ),
        (
            "one-round-by-the-table",
            "While a round is open no other one can be opened.",
            "        Step.ENTER: Phase.VALIDATING,\n",
            "        Step.ENTER: Phase.VALIDATING,\n        Step.OPEN: Phase.VALIDATING,\n",
            RULES,
        ),
        (
            "first-in-first-out",
            "Proposals wait first in, first out.",
            "popitem(last=False)",
            "popitem(last=True)",
            RULES,
        ),
        (
            "waiting-room-is-bounded",
            "At most `max_waiting` proposals wait; one more gets `ScopeBusy`.",
            "if len(self._waiting) >= self.waiting_max:",
            "if len(self._waiting) > self.waiting_max:",
            RULES,
        ),
        (
            "leaving-the-waiting-room",
            "Whoever has left the waiting room gets no round.",
            "        del self._waiting[proposal]\n",
            "",
            RULES,
        ),
        (
            "round-token",
            "An answer decides only the round whose token it carries.",
            "if round_ is None or (round_.token is not token and round_.token != token):",
            "if round_ is None:",
            RULES + " test_receptionist test_consideration",
        ),
        (
            "a-round-ends-once",
            "A round that has ended cannot be answered.",
            "        self.phase = self._after(how)\n        self.round = None\n",
            "        self.phase = self._after(how)\n",
            RULES,
        ),
        (
            "closed-is-final",
            "Nothing enters a scope that was closed.",
            "    Phase.CLOSED: {},",
            "    Phase.CLOSED: {Step.ENTER: Phase.CLOSED},",
            RULES + " test_closing",
        ),
        (
            "closing-answers-all",
            "Closing answers everybody who waits.",
            "waiting = list(self._waiting)",
            "waiting = list(self._waiting)[1:]",
            RULES + " test_closing",
        ),
    ),
]
