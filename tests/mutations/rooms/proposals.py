"""Proposals: what may be proposed, what is remembered of it, and how a call is cancelled."""

from __future__ import annotations

from ..mutation import of_file

YEARS = "test_promises_of_years"
CANCELLED = "test_promises_of_durability test_cancellation"

MUTATIONS = [
    *of_file(
        "atomic_store/proposal.py",
        (
            "cancelled-waits-no-more",
            "A cancelled proposal that waits is taken back: nothing is stored.",
            "        if self.place.withdraw(self):\n            return",
            "        if self.ending is None:\n            return",
            CANCELLED,
        ),
        (
            "cancelled-when-decided",
            "A call that was decided waits for the disk and returns its result, though cancelled.",
            "        if self.place.withdraw(self):\n            return",
            "        if self.place.withdraw(self) or self.ending:\n            return",
            CANCELLED,
        ),
        (
            "cancelled-in-the-round",
            "A call that is cancelled while its validator runs stores nothing, and ends the round.",
            "            self.place.withdraw(self)\n            raise\n",
            "            raise\n",
            CANCELLED,
        ),
        (
            "validators-can-be-interrupted",
            "Ctrl-C reaches a validator.",
            "@trio.lowlevel.disable_ki_protection\nasync def _await_unprotected",
            "async def _await_unprotected",
            CANCELLED,
        ),
        (
            "the-deadline-stops-the-validator",
            "A validator whose round is over is cancelled.",
            (
                '        """Stop the validator, which decides nothing any more."""\n'
                "        if self._validating is not None:\n"
                "            self._validating.cancel()\n"
            ),
            '        """Stop the validator, which decides nothing any more."""\n',
            "test_promises_of_rounds",
        ),
        (
            "everybody-is-told-of-the-failure",
            "If the disk refuses, whoever waits gets `JournalFailed`, and no result.",
            "            self.ending = Ending(error=failure.again())\n",
            "            pass\n",
            "test_promises_of_durability test_faults",
        ),
        (
            "a-late-decision-is-no-error",
            "A validator that decides behind its deadline gets the result that timed out.",
            "            if self.ending is None:\n                raise\n",
            "            raise\n",
            "test_promises_of_rounds test_cancellation",
        ),
    ),
    *of_file(
        "atomic_store/uninterrupted.py",
        (
            "nothing-interrupts-closing",
            "Neither a cancellation nor Ctrl-C ends the waiting for the disk.",
            "lambda _: trio.lowlevel.Abort.FAILED",
            "lambda _: trio.lowlevel.Abort.SUCCEEDED",
            "test_closing test_cancellation",
        ),
    ),
    *of_file(
        "atomic_store/store.py",
        (
            "ctrl-c-counts-as-a-cancellation",
            "Ctrl-C never leaves a proposal half done.",
            "    @trio.lowlevel.enable_ki_protection\n    async def store_if_valid(",
            "    async def store_if_valid(",
            CANCELLED,
        ),
    ),
    *of_file(
        "atomic_store/consideration.py",
        (
            "leaving-the-block-withdraws",
            "Leaving the block of `consider` without an answer takes the proposal back.",
            "            proposal.place.withdraw(proposal)",
            "            pass",
            "test_consideration",
        ),
        (
            "a-second-answer-is-stale",
            "Answering twice raises `StaleResponse`.",
            "            if ending.error is None and not ending.is_duplicate:\n",
            "            if False:\n",
            "test_consideration",
        ),
    ),
    *of_file(
        "atomic_store/validating.py",
        (
            "own-round",
            "A task that proposes to the scope whose round it holds is told so at once.",
            "round_.proposal.task is proposal.task:",
            "round_.proposal is proposal:",
            "test_promises_of_rounds",
        ),
        (
            "a-decision-of-this-round",
            "A decision of another round is a `TypeError`.",
            "if decision.round is not token and decision.round != token:",
            "if decision.round.scope != token.scope:",
            "test_store test_given test_consideration",
        ),
    ),
    *of_file(
        "atomic_store/duplicates.py",
        (
            "the-same-id-with-another-event",
            "The same proposal id with another event is an `IdempotencyConflict`.",
            "    if not same:\n",
            "    if False:\n",
            YEARS,
        ),
        (
            "the-event-that-was-proposed",
            "Where others were stored in its place, the event that was proposed is remembered.",
            "same = first.proposed == jsonvalue.digest(encoded.type, encoded.data)",
            "same = True",
            YEARS,
        ),
        (
            "a-duplicate-is-told-as-one",
            "A duplicate's result says that it is one.",
            "        admitted[0].meta,\n        True,\n",
            "        admitted[0].meta,\n        False,\n",
            YEARS,
        ),
        (
            "a-duplicate-has-its-meta",
            "A duplicate is answered with the original `meta`.",
            "        admitted[0].meta,\n",
            "        None,\n",
            f"{YEARS} test_store",
        ),
    ),
    *of_file(
        "atomic_store/recent.py",
        (
            "ids-are-forgotten-when-durable",
            "An admitted id is remembered in memory until it can be found on disk.",
            "while order and order[0][0] <= position:",
            "while order and order[0][0] <= position + 1:",
            f"test_recent {YEARS}",
        ),
    ),
    *of_file(
        "atomic_store/intake.py",
        (
            "ids-are-found-on-disk",
            "A proposal that was admitted years ago is found on disk, and opens no round.",
            "            if stored:\n",
            "            if False:\n",
            YEARS,
        ),
        (
            "another-scope-while-looking",
            "If the scope crashes while an id is looked up, it is looked up again.",
            "            if self.supervisor.scope(proposal.scope) is scope:\n",
            "            if self.supervisor.scope(proposal.scope):\n",
            f"test_actor test_actor_crashes test_recent {YEARS}",
        ),
        (
            "a-proposal-is-a-copy",
            "A validator sees what was decoded from the stored bytes, not the proposer's object.",
            "        return scope, decoded, encoded, id_",
            "        return scope, event, encoded, id_",
            "test_store",
        ),
        (
            "no-nul-in-a-scope",
            "A scope's name has no NUL.",
            ' or "\\0" in scope:',
            ":",
            "test_store test_gateway_hostile test_file_journal",
        ),
        (
            "a-scope-has-512-bytes",
            "A scope's name has at most 512 bytes of UTF-8.",
            "            size = len(scope.encode())\n",
            "            scope.encode()\n",
            "test_store",
        ),
        (
            "metadata-is-bounded",
            "Metadata beyond `event_bytes_max` is `InvalidEvent` before a round opens.",
            "        if len(encoded) > limit:\n",
            "        if False:\n",
            "test_store",
        ),
    ),
    *of_file(
        "atomic_store/drafting.py",
        (
            "others-stay-in-the-scope",
            "Events that are accepted in place of another belong to the same scope.",
            "        if scope != proposal.scope:\n",
            "        if False:\n",
            "test_store test_given",
        ),
        (
            "a-decision-is-bounded",
            "A decision has at most `decision_events_max` events.",
            "if len(events) > options.decision_events_max:",
            "if len(events) > 2 * options.decision_events_max:",
            "test_store test_given",
        ),
    ),
    *of_file(
        "atomic_store/jsonvalue.py",
        (
            "no-key-twice",
            "JSON text in which a key stands twice is refused.",
            "            object_pairs_hook=_object_without_duplicates,\n",
            "",
            "test_jsonvalue",
        ),
        (
            "no-nan",
            "NaN and infinities are refused.",
            "            parse_constant=_refuse_constant,\n",
            "            parse_constant=lambda constant: 0,\n",
            "test_jsonvalue",
        ),
        (
            "an-event-is-bounded",
            "An event beyond `event_bytes_max` is `InvalidEvent`.",
            "    if bytes_max is not None and len(data) > bytes_max:\n",
            "    if False:\n",
            "test_jsonvalue test_store test_events",
        ),
    ),
]
