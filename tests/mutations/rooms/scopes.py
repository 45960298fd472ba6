"""Rounds of live scopes: what they see, how they end, when their ends are told."""

from __future__ import annotations

from ..mutation import of_file

DURABLE = "test_promises_of_durability"
ROUNDS = "test_promises_of_rounds"
YEARS = "test_promises_of_years test_recent"

MUTATIONS = [
    *of_file(
        "atomic_store/scope.py",
        (
            "accepted-is-durable",
            "No acceptance is told before its records are fsynced.",
            "records, meta=records[0].meta), commit)",
            "records, meta=records[0].meta), durable_commit())",
            DURABLE,
        ),
        (
            "rejected-is-durable",
            "No rejection is told before all that its round could see is fsynced.",
            "reason=checked.reason, meta=meta)\n            proposal.end(ending, self.commit)",
            "reason=checked.reason, meta=meta)\n            proposal.end(ending, durable_commit())",
            DURABLE,
        ),
        (
            "timed-out-is-durable",
            "No timeout is told before all that its round could see is fsynced.",
            "proposal.end(self._ending(Outcome.TIMED_OUT, reason=reason), self.commit)",
            "proposal.end(self._ending(Outcome.TIMED_OUT, reason=reason), durable_commit())",
            DURABLE,
        ),
        (
            "duplicate-is-durable",
            "No duplicate is told before the original records are fsynced.",
            "duplicate_ending(admitted, self.past)\n        proposal.end(ending, self.commit)",
            "duplicate_ending(admitted, self.past)\n        proposal.end(ending, durable_commit())",
            f"{DURABLE} {YEARS}",
        ),
        (
            "conflict-is-durable",
            "No `IdempotencyConflict` is told before the records that it rests on are fsynced.",
            "proposal.end(Ending(error=conflict), self.commit)",
            "proposal.end(Ending(error=conflict), durable_commit())",
            f"{DURABLE} {YEARS}",
        ),
        (
            "exception-is-durable",
            "No exception of a validator is told before all that its round could see is fsynced.",
            "proposal.end(Ending(error=error), self.commit)",
            "proposal.end(Ending(error=error), durable_commit())",
            DURABLE,
        ),
        (
            "crash-is-durable",
            "No crash of an actor is told before all that its round could see is fsynced.",
            "proposal.end(Ending(error=failed), self.commit)",
            "proposal.end(Ending(error=failed), durable_commit())",
            f"{DURABLE} test_actor test_actor_crashes",
        ),
        (
            "deadline-from-the-opening",
            "A deadline runs from the opening of its round.",
            "deadline=now + proposal.validation_timeout,",
            "deadline=proposal.validation_timeout,",
            ROUNDS,
        ),
        (
            "an-answer-past-the-deadline",
            "An answer that comes behind the deadline is stale, also if nobody has seen it pass.",
            (
                "        # The actor may not have had its turn since the deadline passed.\n"
                "        self.expire(now)\n"
            ),
            "",
            f"{ROUNDS} test_consideration",
        ),
        (
            "all-that-was-admitted",
            "A round sees all events that were admitted before it, also those not yet on disk.",
            "            self.past += records\n",
            "",
            ROUNDS,
        ),
        (
            "fold-first",
            "If the fold raises, nothing was stored.",
            (
                "        state = self.parts.evolved(self.state, proposal, draft)\n"
                "        stored, commit = self.parts.journal.append_nowait("
                "draft, expected_sequence=self.sequence)\n"
            ),
            (
                "        stored, commit = self.parts.journal.append_nowait("
                "draft, expected_sequence=self.sequence)\n"
                "        state = self.parts.evolved(self.state, proposal, draft)\n"
            ),
            "test_actor test_actor_crashes",
        ),
        (
            "state-moves-on",
            "A state is the fold of all events that were admitted.",
            "        self.state = state\n",
            "",
            f"{ROUNDS} test_snapshots",
        ),
        (
            "a-duplicate-does-not-wait",
            "A duplicate of what was admitted is answered at once, though a round is open.",
            (
                "        if admitted is not None:\n"
                "            self._end_as_duplicate(proposal, admitted)\n"
                "            return\n        refuse"
            ),
            "        refuse",
            YEARS,
        ),
        (
            "looked-up-again",
            "A proposal id is looked up again before its round opens.",
            "        admitted = self.recent.get(proposal.id)\n        if len(self.recent)",
            "        admitted = None\n        if len(self.recent)",
            YEARS,
        ),
        (
            "ids-are-kept-for-who-waits",
            "An admitted id is not forgotten while somebody waits who did not find it on disk.",
            "position = min(position, first.known)",
            "position = position",
            YEARS,
        ),
        (
            "ids-are-kept-for-who-is-looked-up",
            "An admitted id is not forgotten while somebody is being looked up.",
            "position = min(position, next(iter(self.looking_up.values())))",
            "position = position",
            f"{YEARS} test_actor test_actor_crashes test_gateway_proposals",
        ),
        (
            "whoever-is-gone-loses-the-round",
            "A round whose proposer is gone is withdrawn.",
            "            if not proposal.opened(None):\n                self.withdraw(proposal)\n",
            "            proposal.opened(None)\n",
            "test_receptionist",
        ),
        (
            "a-replacement-waits",
            "The replacement of a crashed actor opens its first round when all is durable.",
            "        await self.commit.wait()\n        self.parts.past_bytes",
            "        self.parts.past_bytes",
            "test_actor test_actor_crashes",
        ),
        (
            "pending-records-keep-it-live",
            "A scope with records on their way to the disk never goes.",
            "            and self.commit.is_done\n",
            "",
            "test_actor test_actor_crashes",
        ),
    ),
    *of_file(
        "atomic_store/records.py",
        (
            "nothing-but-the-past",
            "A round sees nothing but the events that were admitted before it.",
            "map(self._item, islice(self._records, self._count))",
            "map(self._item, self._records)",
            f"{ROUNDS} test_records",
        ),
    ),
    *of_file(
        "atomic_store/actor.py",
        (
            "deadline-ends-the-round",
            "A deadline always ends its round, whatever the validator does.",
            "            return round_.deadline\n",
            "            return round_.deadline + 3600\n",
            ROUNDS,
        ),
        (
            "others-get-their-turn",
            "Between two checkpoints at most 64 plain functions run.",
            "if rounds == PLAIN_ROUNDS_MAX:",
            "if rounds > 100 * PLAIN_ROUNDS_MAX:",
            "test_actor test_actor_crashes",
        ),
        (
            "an-idle-scope-has-no-task",
            "An idle scope costs no task.",
            "                self.retire(self.scope)\n",
            "                self.scope.last_used = now\n",
            "test_promises_of_years test_actor test_actor_crashes",
        ),
    ),
    *of_file(
        "atomic_store/supervisor.py",
        (
            "a-crash-waits-for-the-disk",
            "Where a scope crashes without a round, its successor begins when all is durable.",
            (
                "            await wait_uninterrupted("
                "lambda over: commit.when_done(lambda failure: over()))\n"
            ),
            "            commit.when_done(lambda failure: None)\n",
            "test_actor test_actor_crashes",
        ),
        (
            "a-crashed-actor-is-replaced",
            "A crash ends the open round; those who wait keep their places.",
            "            scope.is_loaded = False\n            return True\n",
            "            scope.is_loaded = False\n",
            "test_actor test_actor_crashes",
        ),
        (
            "a-closed-store-takes-nothing",
            "A store that was closed or has failed takes no proposals.",
            "            raise self.closed()\n",
            "            pass\n",
            "test_closing test_promises_of_durability test_consideration",
        ),
        (
            "the-longest-idle-goes-first",
            "Where too many scopes are live, the one that was idle for longest goes first.",
            "            self.scopes.move_to_end(name)\n",
            "            pass\n",
            "test_actor test_actor_crashes",
        ),
    ),
    *of_file(
        "atomic_store/parts.py",
        (
            "the-past-is-durable",
            "What a validator reads of the past is on disk.",
            "        await commit.wait()\n",
            "",
            "test_store test_past_in_pages test_promises_of_durability",
        ),
    ),
    *of_file(
        "atomic_store/request.py",
        (
            "past-is-durable",
            "`past_is_durable` waits until all that the round sees is fsynced.",
            "        await self._commit.wait()\n",
            "        await trio.lowlevel.checkpoint()\n",
            DURABLE,
        ),
    ),
    *of_file(
        "atomic_store/store.py",
        (
            "outcome-is-durable",
            "`outcome` tells of an admission only when that is fsynced.",
            "            await live.commit.wait()\n",
            "            pass\n",
            "test_store",
        ),
        (
            "what-was-decided-is-written",
            "Closing makes durable what was decided before it tells that all is over.",
            (
                "        await wait_uninterrupted("
                "lambda over: commit.when_done(lambda failure: over()))\n"
            ),
            "        commit.when_done(lambda failure: None)\n",
            "test_closing test_feed",
        ),
    ),
]
