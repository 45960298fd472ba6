"""
A gateway in a process of its own: `python -m tests.campaigns.gateway.serving`.

It prints its address, then answers each line of its input with a line: `count` with what it
still keeps of conversations, its tasks and its memory; `stop` by shutting down.
"""

from __future__ import annotations

import argparse
import gc
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import trio
from trio.testing import wait_all_tasks_blocked

from atomic_store import Decision, JsonEvent, Store, ValidationRequest, open_store
from atomic_store.gateway import Gateway, Known, Limits, Principal, open_gateway
from atomic_store.journal.file import open_file_journal
from gateway_talk import ALL_RIGHTS, left_over

from .broken import BROKEN
from .rule import accepts, seen

HEARTBEAT_S = 1.0
LIMITS = Limits(
    heartbeat_s=HEARTBEAT_S, slow_s=3.0, hello_s=2.0, shutdown_s=2.0, page_records=7,
    outbox_bytes=30_000, open_requests=16, rounds=4, connections_by_principal=50,
)  # fmt: skip
ROUND_S = 2.0


class Everybody:
    """Tokens by which everybody is whom he says that he is, and may do anything."""

    def lookup(self, token: str) -> Known | None:
        return Known(token, Principal(token, ALL_RIGHTS), None)

    def still_valid(self, id: str) -> Principal | None:  # noqa: A002 - as the protocol calls it
        return Principal(id, ALL_RIGHTS)

    async def watch(
        self,
        on_change: Callable[[], None],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        task_status.started()
        await trio.sleep_forever()


def decide(request: ValidationRequest[JsonEvent]) -> Decision:
    """Decide by the rule, and say what was seen."""
    meta = seen(str(record.proposal_id) for record in request.past_records)
    data: Any = request.prospective_event.data
    if accepts(data["cents"], meta["saw"]):
        return request.accept(meta=meta)
    return request.reject("by the rule", meta=meta)


def counted(store: Store[Any], gateway: Gateway) -> dict[str, Any]:
    """What the gateway keeps, beside the store."""
    gc.collect()
    tasks = Counter(task.name for task in _tasks())
    tasks["the store's scopes"] = -store.statistics().live_scopes
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    kept: Any = SimpleNamespace(gateway=gateway)
    return {
        "left": left_over(kept),
        "streams": gateway._entrance._streams,
        "tasks": tasks,
        "memory_mb": pages * 4096 / 2**20,
        "position": store.head.position,
    }


def _tasks() -> Iterator[trio.lowlevel.Task]:
    """All tasks that there are."""
    root = trio.lowlevel.current_root_task()
    left = [] if root is None else [root]
    while left:
        task = left.pop()
        yield task
        left += [child for nursery in task.child_nurseries for child in nursery.child_tasks]


async def _answer(store: Store[Any], gateway: Gateway) -> None:
    async with trio.lowlevel.FdStream(0) as lines:
        rest = b""
        while data := await lines.receive_some():
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                if line == b"stop":
                    return
                print(json.dumps(counted(store, gateway)), flush=True)


async def serve(asked: argparse.Namespace) -> None:
    """Serve until told to stop, or killed."""
    names = [f"127.0.0.1:{port}" for port in asked.names]
    async with (
        open_file_journal(asked.path, segment_bytes_max=200_000) as journal,
        open_store(
            journal, events=None, validation_timeout=asked.round_s, idle_after=0.5, max_waiting=200
        ) as store,
        open_gateway(
            store, asked.host, asked.port, validate=decide if asked.decides else None,
            tokens=Everybody(), limits=LIMITS, allow_insecure=True,
            names=[*names, "127.0.0.1", *asked.called],
        ) as gateway,
    ):  # fmt: skip
        # What lives as long as the gateway is there to be counted.
        await wait_all_tasks_blocked()
        print(gateway.url, flush=True)
        await _answer(store, gateway)


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--called", nargs="*", default=(), help="other hosts that are called")
    parser.add_argument("--names", type=int, nargs="*", default=(), help="other ports")
    parser.add_argument("--round-s", type=float, default=ROUND_S, help="how long one may take")
    parser.add_argument("--decides", action="store_true", help="by a function of its own")
    parser.add_argument("--broken", choices=sorted(BROKEN), help="a promise that it breaks")
    asked = parser.parse_args()
    with ExitStack() as broken:
        if asked.broken is not None:
            broken.enter_context(BROKEN[asked.broken]())
        trio.run(serve, asked)


if __name__ == "__main__":
    main()
