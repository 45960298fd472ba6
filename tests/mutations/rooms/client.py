"""The client: what it asks again, where it goes on, and what it never does twice."""

from __future__ import annotations

from ..mutation import of_file

MUTATIONS = [
    *of_file(
        "atomic_store/gateway/client/conversation.py",
        (
            "asked-again",
            "What was not answered is asked again on the next connection.",
            "deque(call for call in self._calls.values() if call.is_wanted)",
            "deque()",
            "test_client_conversation",
        ),
        (
            "nothing-of-the-lost-connection",
            "What was written for a lost connection is not said on the next.",
            "        self._texts.clear()\n",
            "",
            "test_client_conversation",
        ),
        (
            "another-history-drops-the-past",
            "A client drops what it holds of another history.",
            "            self.pasts.clear()\n",
            "            pass\n",
            "test_client_conversation",
        ),
        (
            "a-decision-of-an-open-round",
            "A client sends no decision of a round that is over.",
            "or call.id is None or decision.round not in rounds:",
            "or call.id is None:",
            "test_client_rounds test_client_conversation",
        ),
        (
            "no-more-than-the-gateway-takes",
            "A client has no more requests open than the gateway takes.",
            "            if len(self._asked) >= limit:\n",
            "            if False:\n",
            "test_client_conversation",
        ),
        (
            "a-shutdown-is-no-answer",
            "`shutting_down` leaves a request to be asked again.",
            "if message.code is ErrorCode.SHUTTING_DOWN and not call.is_withdrawn:",
            "if False:",
            "test_client_conversation",
        ),
        (
            "too-large-is-not-sent",
            "A message that the gateway would not take is not sent.",
            "        if len(written) <= limit:\n",
            "        if True:\n",
            "test_client_conversation",
        ),
    ),
    *of_file(
        "atomic_store/gateway/client/calls/proposing.py",
        (
            "the-same-proposal-id",
            "A client proposes again with the same proposal id.",
            "scope=self.scope, proposal_id=self.proposal_id,",
            "scope=self.scope, proposal_id=f'{self.proposal_id[:-4]}{id:04d}',",
            "test_client_conversation test_client_rounds test_client_proposing",
        ),
        (
            "only-what-is-new",
            "A client asks only for the past that it does not hold.",
            "known=self.view.count, known_id",
            "known=0, known_id",
            "test_client_rounds test_client_proposing",
        ),
        (
            "all-the-past",
            "A client's validator sees all past of the round, or none of the round.",
            "        if message.sequence != self.view.count:\n",
            "        if False:\n",
            "test_client_conversation test_client_rounds",
        ),
        (
            "no-past-with-a-hole",
            "A past that does not continue what a client holds is refused.",
            "        if message.after != self.view.count:\n",
            "        if False:\n",
            "test_client_conversation test_client_rounds",
        ),
        (
            "a-lost-connection-ends-the-round",
            "A client's round is over when its connection is lost.",
            "        self.round = None\n",
            "        pass\n",
            "test_client_rounds",
        ),
        (
            "a-held-round-is-not-begun-again",
            "A block of code that holds a round is never given another one.",
            "                self.is_withdrawn = True\n",
            "                pass\n",
            "test_client_rounds test_client_considering",
        ),
    ),
    *of_file(
        "atomic_store/gateway/client/calls/following.py",
        (
            "resumes-where-it-was",
            "A subscription goes on behind the last record that it has.",
            "after=self.after if self.position is None else self.position,",
            "after=self.after,",
            "test_client_following",
        ),
        (
            "resumes-in-its-history",
            "A subscription goes on only in the history that its position belongs to.",
            "            store=self.history, where=self.where,\n",
            "            store=None, where=self.where,\n",
            "test_client_following",
        ),
        (
            "no-record-twice",
            "A record that a client has is not taken again.",
            "        if record.position <= reached:\n",
            "        if False:\n",
            "test_client_conversation test_client_following",
        ),
        (
            "memory-of-a-slow-reader",
            "What a slow reader has not taken is bounded.",
            "        if self._ready_bytes > self.bytes_max:\n",
            "        if False:\n",
            "test_client_following",
        ),
    ),
    *of_file(
        "atomic_store/gateway/client/pasts.py",
        (
            "pasts-are-bounded",
            "What a client holds of pasts is bounded.",
            "        while self.bytes > self.bytes_max:\n",
            "        while False:\n",
            "test_client_pasts",
        ),
        (
            "pasts-that-part",
            "Two pasts that are not the same are not mixed up.",
            "        if any(one._stored != other._stored for one, other in ahead):\n",
            "        if False:\n",
            "test_client_pasts",
        ),
    ),
    *of_file(
        "atomic_store/gateway/client/backoff.py",
        (
            "full-jitter",
            "Clients that lost one gateway do not come back at once.",
            "+ longest * chance",
            "+ longest",
            "test_client_backoff",
        ),
        (
            "final-closes",
            "A client does not come back after a close that says not to.",
            "    return close_code in FINAL_CLOSES or _FINAL_FROM <= close_code < _FINAL_TO\n",
            "    return False\n",
            "test_client_backoff",
        ),
        (
            "closes-that-are-not-final",
            "A client comes back after 4408 and 4429.",
            "    if close_code in _AGAIN:\n",
            "    if False:\n",
            "test_client_backoff",
        ),
    ),
    *of_file(
        "atomic_store/gateway/client/link.py",
        (
            "a-silent-gateway-is-left",
            "A client leaves a gateway that it does not hear of any more.",
            "        while silent < SILENT_HALVES:\n",
            "        while True:\n",
            "test_client_link",
        ),
        (
            "stopping-tells-all",
            "Whoever waits is told when the client stops.",
            "                box.fail(partial(self._stopped_for, call))\n",
            "                pass\n",
            "test_client_link test_client_proposing test_client_opening",
        ),
    ),
    *of_file(
        "atomic_store/gateway/client/errors.py",
        (
            "open-outcomes-are-told",
            "An error that leaves the outcome of a proposal open says so.",
            "            is_open = may_be_stored and code in OUTCOME_OPEN\n",
            "            is_open = False\n",
            "test_client_proposing",
        ),
    ),
]
