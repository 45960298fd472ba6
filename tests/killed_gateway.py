"""A process that serves a store's files until it is killed, and says where."""

from __future__ import annotations

import sys

import trio

from atomic_store import open_store
from atomic_store.gateway.server import open_gateway


async def main(path: str, port: int) -> None:
    """
    Serve; print the address once it does.

    Args:
      port: where to listen; 0 takes a free one.
    """
    async with open_store(path, events=None) as store, open_gateway(store, port=port) as gateway:
        print(gateway.url, flush=True)
        await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(main, sys.argv[1], int(sys.argv[2]))
