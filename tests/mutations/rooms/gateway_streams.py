"""Subscriptions, and what no client can do to the gateway."""

from __future__ import annotations

from ..mutation import of_file

FOLLOWING = (
    "test_gateway_following test_gateway_sweeping test_gateway_subscription test_gateway_random"
)

MUTATIONS = [
    *of_file(
        "atomic_store/gateway/following.py",
        (
            "another-history",
            "Whoever resumes in another history is told to begin anew.",
            "if after > head or request.store not in (None, self.store.history):",
            "if after > head:",
            FOLLOWING,
        ),
        (
            "subscribing-ahead",
            "Whoever resumes ahead of the store is told to begin anew.",
            "if after > head or request.store not in (None, self.store.history):",
            "if request.store not in (None, self.store.history):",
            FOLLOWING,
        ),
        (
            "resuming",
            "A subscription resumes behind the position that it names.",
            "        after = head if isinstance(request.after, str) else request.after\n",
            "        after = 0\n",
            FOLLOWING,
        ),
        (
            "a-slow-subscriber-falls-back",
            "A subscriber that is slow falls back to reading the journal: nothing is skipped.",
            (
                "                if len(taken) < len(bodies):\n"
                "                    self._fall_behind(subscription)\n"
            ),
            "",
            FOLLOWING + " test_gateway_floods",
        ),
        (
            "commits-gather-over-tls",
            "Commits gather for as long as it takes to send, also where tasks of their own send.",
            "            for _ in range(TURNS):\n",
            "            for _ in range(0):\n",
            FOLLOWING,
        ),
        (
            "no-duplicate-for-who-read-ahead",
            "A subscriber that has read ahead gets no record twice.",
            "                if subscription.position >= first:\n",
            "                if False:\n",
            FOLLOWING,
        ),
        (
            "catching-up-without-a-gap",
            "A subscriber that catches up lacks nothing.",
            "first=position + 1, last=head)",
            "first=position + 2, last=head)",
            FOLLOWING,
        ),
        (
            "the-position-is-told",
            "A subscriber is told its position again while that moves.",
            "                    if subscription.told < subscription.position:\n",
            "                    if False:\n",
            FOLLOWING,
        ),
        (
            "room-is-waited-for",
            "Whoever takes nothing is sent no more than fits its outbox.",
            "            await subscription.peer.outbox.room()\n",
            "",
            FOLLOWING + " test_gateway_floods",
        ),
    ),
    *of_file(
        "atomic_store/gateway/subscription.py",
        (
            "ahead-is-bounded",
            "A subscriber that has too much before it is taken for slow.",
            "        if outbox.size + len(data) > AHEAD_BYTES_MAX and not outbox.is_idle:\n",
            "        if False:\n",
            FOLLOWING + " test_gateway_floods",
        ),
        (
            "only-what-is-wanted",
            "A subscriber gets only what it asked for.",
            "        return [record for record in records if wanted.matches(record)]\n",
            "        return list(records)\n",
            FOLLOWING,
        ),
    ),
    *of_file(
        "atomic_store/gateway/outbox.py",
        (
            "answers-go-first",
            "Answers go before the records of subscriptions.",
            "        for queue in (self._answers, self._bulk):\n",
            "        for queue in (self._bulk, self._answers):\n",
            "test_gateway_outbox",
        ),
        (
            "nothing-overtakes",
            "Nothing goes straight to the socket while something waits before it.",
            "        if self._is_closed or not self.is_idle:\n",
            "        if self._is_closed:\n",
            "test_gateway_outbox test_gateway_following",
        ),
        (
            "the-outbox-is-bounded",
            "Memory is bounded for each connection.",
            "        return self._size < self.bytes_max\n",
            "        return True\n",
            "test_gateway_outbox test_gateway_floods",
        ),
    ),
    *of_file(
        "atomic_store/gateway/connection.py",
        (
            "who-takes-no-answers-is-not-read",
            "Nothing more is read from a client that takes no answers.",
            "                if not peer.outbox.has_room:\n                    await",
            "                if False:\n                    await",
            "test_gateway_floods",
        ),
        (
            "a-silent-client-is-asked",
            "A client that says nothing is asked whether it is there.",
            "                peer.outbox.frame(frames.ping_frame())\n",
            "                pass\n",
            "test_gateway_floods",
        ),
        (
            "a-half-open-client-is-given-up",
            "A client that does not answer is given up.",
            "if now - heard_at >= 2 * limits.heartbeat_s and asked_at > heard_at:",
            "if False:",
            "test_gateway_floods",
        ),
        (
            "a-client-that-takes-nothing",
            "A socket that takes nothing for too long is aborted.",
            "            if gate.stalled_s > limits.slow_s:\n",
            "            if False:\n",
            "test_gateway_floods",
        ),
        (
            "a-gateway-with-nothing-to-say",
            "A gateway with nothing to say still lets itself be heard.",
            "                peer.say(say.Ping())\n",
            "                pass\n",
            "test_gateway_floods",
        ),
        (
            "a-defect-closes-one",
            "A defect closes the one connection whose message met it, with 4500.",
            '            logger.error("a message failed", exc_info=error)\n',
            "            return\n",
            "test_gateway_hostile",
        ),
        (
            "shutting-down-answers-all",
            "On shutdown every open request is answered.",
            "            peer.say(say.error(code, why.message, request.id))\n",
            "            pass\n",
            "test_gateway_shutdown",
        ),
    ),
    *of_file(
        "atomic_store/gateway/stream/gate.py",
        (
            "no-frame-is-cut",
            "A frame that was begun is sent to its end, or nothing is sent any more.",
            "        if self._is_begun:\n            self.is_broken = True\n",
            "        if False:\n            self.is_broken = True\n",
            "test_gateway_gate test_gateway_gate_sockets",
        ),
        (
            "no-frame-is-interrupted",
            "No frame goes to a socket in the middle of another one.",
            "        if self._socket is None or self._outgoing or self._lock.locked():\n",
            "        if self._socket is None:\n",
            "test_gateway_gate_sockets",
        ),
        (
            "pings-and-records-take-turns",
            "Pings and records never interleave.",
            (
                "            async with self._lock:\n                await self._push()\n"
                "                self._outgoing"
            ),
            (
                "            if True:\n"
                "                await self._push()\n"
                "                self._outgoing"
            ),
            "test_gateway_gate test_gateway_gate_sockets",
        ),
    ),
    *of_file(
        "atomic_store/gateway/stream/fragments.py",
        (
            "fragments-are-bounded",
            "A message in endless fragments ends the connection.",
            "            if self._fragments > self.fragments_max:\n",
            "            if False:\n",
            "test_gateway_fragments",
        ),
        (
            "a-read-is-a-few-frames",
            "A flood of frames does not take the others' turn.",
            "            elif frames == self.frames_a_read_max:\n",
            "            elif False:\n",
            "test_gateway_fragments",
        ),
    ),
    *of_file(
        "atomic_store/gateway/stream/request_head.py",
        (
            "heads-are-bounded",
            "A request's head has at most 8 KiB.",
            "        if end > HEAD_BYTES_MAX:\n",
            "        if False:\n",
            "test_gateway_request_head test_gateway_head",
        ),
        (
            "heads-are-text",
            "A request's head with a byte that is no printable ASCII is refused.",
            "        if found := _NOT_TEXT.search(self._bytes, seen, end):\n",
            "        if found := None:\n",
            "test_gateway_request_head",
        ),
        (
            "one-length",
            "A request with two lengths is refused.",
            '    if lengths > 1 or (lengths and b"transfer-encoding" in names):\n',
            "    if False:\n",
            "test_gateway_request_head",
        ),
    ),
]
