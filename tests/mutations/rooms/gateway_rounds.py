"""Proposals and rounds over the wire: what is refused, who decides, what is told."""

from __future__ import annotations

from ..mutation import of_file

SESSION = "test_gateway_session"
PROPOSALS = "test_gateway_proposals"
VALIDATORS = "test_gateway_validators test_gateway_offers"

MUTATIONS = [
    *of_file(
        "atomic_store/gateway/protocol/session.py",
        (
            "hello-first",
            "Whoever does not begin with `hello` is closed with 4401.",
            "        if self.principal is None:\n            return self._close",
            "        if False:\n            return self._close",
            SESSION,
        ),
        (
            "a-small-hello",
            "Nobody who is not known yet sends more than 16 KiB.",
            "            if not _is_longer(text, HELLO_BYTES_MAX):\n",
            "            if True:\n",
            SESSION,
        ),
        (
            "messages-are-bounded",
            "A message that is too large is answered with `too_large`.",
            "        if not _is_longer(text, self.message_bytes):\n",
            "        if not _is_longer(text, 4 * self.message_bytes):\n",
            SESSION,
        ),
        (
            "far-too-large",
            "A message that is four times too large closes with 1009.",
            "        if _is_longer(text, 4 * self.message_bytes):\n",
            "        if False:\n",
            SESSION,
        ),
        (
            "bytes-are-counted",
            "A message's size is counted in bytes, not in characters.",
            'len(text) * 4 > bytes_max and len(text.encode(errors="surrogatepass")) > bytes_max',
            "False",
            SESSION,
        ),
        (
            "ids-rise",
            "A request's id that does not rise closes with 4409.",
            "        return self._last_id < id_ <= ID_MAX\n",
            "        return id_ <= ID_MAX\n",
            SESSION,
        ),
        (
            "requests-are-bounded",
            "A connection has at most so many open requests.",
            "        if len(self._open) >= self.open_requests:\n",
            "        if len(self._open) > self.open_requests:\n",
            SESSION,
        ),
        (
            "rights-are-checked",
            "Rights are checked for each request.",
            "        fault = fault_in(self.principal, request)\n",
            "        fault = None\n",
            SESSION,
        ),
        (
            "text-only",
            "A binary message closes with 4400.",
            (
                "        if not isinstance(text, str):\n            return self._close("
                'CloseCode.BAD_FRAME, "expected'
            ),
            (
                "        if not isinstance(text, str):\n            return self._close("
                'CloseCode.NORMAL, "expected'
            ),
            SESSION,
        ),
        (
            "nothing-after-the-end",
            "Nothing is taken from a conversation that has ended.",
            "        if self.phase is Phase.CLOSED:\n            return None\n",
            "",
            SESSION,
        ),
        (
            "what-may-be-said-of-what",
            "A message about a request that cannot be told it is `stale_round`.",
            "        if request is None or not isinstance(request, _STEERED[type(message)]):\n",
            "        if request is None:\n",
            SESSION,
        ),
    ),
    *of_file(
        "atomic_store/gateway/proposals.py",
        (
            "somebody-elses-proposal",
            "A proposal id that somebody else uses now is a `proposal_conflict`.",
            "    return older.principal == newer.principal and (\n",
            "    return (\n",
            f"{PROPOSALS} test_gateway_taking_over",
        ),
        (
            "another-event-over-the-wire",
            "The same proposal id with another event is a `proposal_conflict`.",
            "            if not _is_same(older, job):\n",
            "            if older.principal != job.principal:\n",
            f"{PROPOSALS} test_gateway_taking_over",
        ),
        (
            "rights-of-a-proposal",
            "A proposal's rights are checked for its own scope.",
            "        if forbidden is not None:\n",
            "        if False:\n",
            PROPOSALS,
        ),
        (
            "where-an-event-belongs",
            "Where an event belongs is for the store to say, not for its sender.",
            "        if request.scope not in (None, arguments[0]):\n",
            "        if False:\n",
            PROPOSALS,
        ),
        (
            "no-longer-rounds",
            "A client cannot have longer rounds than the store allows.",
            "            timeout = min(timeout, parts.options.validation_timeout)\n",
            "            pass\n",
            PROPOSALS,
        ),
        (
            "whoever-goes-takes-back",
            "A connection that goes away withdraws what it decides itself.",
            "            if job.by is By.SELF:\n                job.withdraw()\n",
            "",
            PROPOSALS,
        ),
        (
            "what-others-decide-goes-on",
            "What others decide goes on without the connection that proposed it.",
            "            if job.by is By.SELF:\n                job.withdraw()\n",
            "            job.withdraw()\n",
            f"{VALIDATORS} {PROPOSALS}",
        ),
        (
            "rights-to-propose-that-go",
            "A proposal that may not be made any more ends, if it is not decided.",
            "                if fault is not None:\n                    job.give_up",
            "                if False:\n                    job.give_up",
            "test_gateway_access",
        ),
        (
            "the-round-that-is-ended",
            "An operator ends the round that he names, and no later one.",
            'or f"r-{opened.token.number}" != round_.split(".")[0]:',
            "or not round_:",
            VALIDATORS,
        ),
        (
            "in-the-order-sent",
            "Proposals of one connection to one scope are considered in the order sent.",
            "        if before is None and job.enter_at_once():\n",
            "        if job.enter_at_once():\n",
            f"{PROPOSALS} test_gateway_past test_gateway_random",
        ),
        (
            "taking-over",
            "A proposal that is sent again takes the place of the first.",
            "            if older.has_entered and older.by is job.by:\n",
            "            if False:\n",
            "test_gateway_taking_over",
        ),
    ),
    *of_file(
        "atomic_store/gateway/stamps.py",
        (
            "stamps-are-the-gateways",
            "Clients send no metadata whose keys begin with `$`.",
            '        if key.startswith("$"):\n',
            "        if key in (BY,):\n",
            PROPOSALS,
        ),
        (
            "who-proposed-is-stamped",
            "A record's metadata says who proposed it.",
            "{**(given or {}), BY: by}",
            "{**(given or {})}",
            f"{PROPOSALS} {VALIDATORS}",
        ),
        (
            "duplicates-are-the-proposers-own",
            "Of what somebody else proposed nothing is told.",
            "return isinstance(stored, Mapping) and stored.get(BY) == principal",
            "return isinstance(stored, Mapping) and BY in stored",
            f"{PROPOSALS} test_gateway_taking_over",
        ),
    ),
    *of_file(
        "atomic_store/gateway/rounds.py",
        (
            "the-name-of-a-round",
            "A `decide` counts only with the name of the open round.",
            "        if shown is None or shown.name != name or shown.peer",
            "        if shown is None or shown.peer",
            f"{PROPOSALS} test_gateway_rounds test_gateway_taking_over",
        ),
        (
            "asked-before-answered",
            "A `decide` counts only once the question was sent.",
            "        if shown is None or not shown.is_asked or proposal.place is None:\n",
            "        if shown is None or proposal.place is None:\n",
            "test_gateway_rounds",
        ),
        (
            "a-late-decide",
            "A `decide` that comes late is `stale_round`, and changes nothing.",
            'StaleResponse:\n            return stale(message, "that round is over")\n',
            "StaleResponse:\n            return None\n",
            f"test_gateway_rounds {PROPOSALS}",
        ),
        (
            "a-new-name-when-shown-again",
            "A round that is shown to somebody else has a new name.",
            '        name = f"r-{number}" if self._shown == 1 else f"r-{number}.{self._shown}"\n',
            '        name = f"r-{number}"\n',
            f"test_gateway_taking_over {VALIDATORS}",
        ),
        (
            "who-decided-is-stamped",
            "A record's metadata says who decided it.",
            "stamped(self.given, self.principal, peer.principal.name)",
            "stamped(self.given, self.principal, self.principal)",
            VALIDATORS,
        ),
        (
            "one-decision",
            "A `decide` says exactly one decision.",
            "        if (message.accept is None) == (message.events is None):\n",
            "        if False:\n",
            f"{PROPOSALS} test_gateway_rounds",
        ),
        (
            "an-invalid-decide-leaves-the-round-open",
            "An invalid `decide` leaves the round open until its deadline.",
            "            refused = say.error(code, str(error), message.id)\n",
            (
                "            refused = say.error(code, str(error), message.id)\n"
                "            proposal.place.fail_round(proposal, error)\n"
            ),
            f"{PROPOSALS} test_gateway_rounds",
        ),
    ),
    *of_file(
        "atomic_store/gateway/presentation.py",
        (
            "remote-rounds-are-durable",
            "A round that is decided in another process is shown only when its past is on disk.",
            "and not self.with_state and request._commit.is_done",
            "and not self.with_state",
            "test_gateway_past test_gateway_rounds",
        ),
        (
            "remote-rounds-wait-for-the-disk",
            "The question of a round waits for the disk.",
            "                await self.round.request.past_is_durable()\n",
            "",
            "test_gateway_past test_gateway_rounds test_gateway_ends",
        ),
        (
            "over-only-what-was-shown",
            "A validator is told `over` exactly once for each round that it was shown.",
            "        self._was_begun = self.is_asked = True\n",
            "        self.is_asked = True\n",
            f"{VALIDATORS} test_gateway_rounds",
        ),
    ),
    *of_file(
        "atomic_store/gateway/job.py",
        (
            "past-before-the-turn",
            "The past is shown before a proposal waits its turn: a slow client holds up nobody.",
            "                await self._show_past(self._entering)\n",
            "                pass\n",
            "test_gateway_past",
        ),
        (
            "no-validator",
            "A proposal that nobody decides is told so.",
            "                    raise NoValidator(what)\n",
            "                    pass\n",
            f"{VALIDATORS} {PROPOSALS}",
        ),
        (
            "superseded",
            "The request whose proposal was taken over ends with `superseded`.",
            "        self._leave_peer(say.error(ErrorCode.SUPERSEDED, what, self.request.id))\n",
            "        self.peer = None\n",
            "test_gateway_taking_over",
        ),
        (
            "ended-by-an-operator",
            "A round that an operator has ended has the outcome `ended`.",
            'outcome = "ended" if self.was_ended else str(result.outcome)',
            "outcome = str(result.outcome)",
            VALIDATORS,
        ),
    ),
    *of_file(
        "atomic_store/gateway/validators.py",
        (
            "the-longest-prefix",
            "The validator with the longest prefix is chosen.",
            "(len(one.request.prefix), one.free, -one.number)",
            "(one.free, -one.number)",
            VALIDATORS,
        ),
        (
            "the-most-free-rounds",
            "Of those, the one with most free rounds.",
            "(len(one.request.prefix), one.free, -one.number)",
            "(len(one.request.prefix), -one.number)",
            VALIDATORS,
        ),
        (
            "rounds-of-a-validator",
            "A validator gets no more rounds at a time than it asked for.",
            "        return self.rounds_max - len(self._active)\n",
            "        return self.rounds_max\n",
            VALIDATORS,
        ),
        (
            "a-validator-that-goes",
            "The open rounds of a validator that goes away go to the next one.",
            "        left = [round_ for round_ in rounds if not self._is_assigned(round_)]\n",
            "        left = []\n",
            VALIDATORS,
        ),
        (
            "rounds-that-wait-for-a-validator",
            "A round that waits is shown to the next validator that is free.",
            "        if self.stands:\n            self.validators.serve()\n",
            "        if self.stands:\n            pass\n",
            VALIDATORS,
        ),
        (
            "the-nearest-deadline-first",
            "Rounds that were given back come before those that have waited shorter.",
            "            self._waiting.move_to_end(round_, last=False)\n",
            "",
            VALIDATORS,
        ),
    ),
    *of_file(
        "atomic_store/gateway/faults.py",
        (
            "no-secrets-in-errors",
            "A client is not told what went wrong inside.",
            'ErrorCode.INTERNAL, "something went wrong in the gateway", id_)',
            "ErrorCode.INTERNAL, repr(error), id_)",
            "test_gateway_hostile test_gateway_validators test_gateway_function",
        ),
        (
            "no-paths-in-errors",
            "A client is not told where the store's files are.",
            '"the store cannot read or write its files", id_)',
            "str(error), id_)",
            "test_gateway_following test_gateway_ends test_gateway_asking",
        ),
    ),
]
