"""A process that writes to a store until it is killed, and says what is acknowledged."""

from __future__ import annotations

import sys

import trio

from atomic_store.journal import Draft, EncodedEvent
from atomic_store.journal.file import open_file_journal


async def main(path: str, times: int) -> None:
    """
    Append decisions of one to seven events; print the last position of each commit.

    Args:
      times: how many commits to write before it closes the store.
    """
    async with open_file_journal(path, segment_bytes_max=20_000, piece_bytes=6_000) as journal:
        ends = {end.scope: end.sequence for end in await journal.scopes()}
        begin = journal.head.position
        for number in range(begin, begin + times):
            scope = f"lot-{number % 5}"
            events = tuple(
                EncodedEvent("Bid", 1, b'{"cents":%d,"pad":"%b"}' % (number, b"x" * (k * 40)))
                for k in range(number % 7 + 1)
            )
            draft = Draft(scope, f"00000000-0000-4000-8000-{number:012d}", events)
            records, commit = journal.append_nowait(draft, expected_sequence=ends.get(scope, 0))
            ends[scope] = records[-1].sequence
            if number % 3 == 0:
                journal.flush_nowait()
                await commit.wait()
                print(records[-1].position, flush=True)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], int(sys.argv[2]))
