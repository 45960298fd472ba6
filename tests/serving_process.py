"""A gateway for the tests of the client for browsers: no tokens, and nobody who decides."""

from __future__ import annotations

import sys
from pathlib import Path

import trio

from atomic_store import open_store
from atomic_store.gateway import Site, browser_client, open_gateway, static_file

SCENARIOS = Path(__file__).parent / "client_scenarios.js"


async def main(path: str, port: int) -> None:
    """Serve a store at a port, with an empty page and the scenarios; print the address."""
    site = Site(
        {
            "/page.html": static_file("page.html", b"<!doctype html><title>scenarios</title>"),
            "/scenarios.js": static_file(SCENARIOS.name, SCENARIOS.read_bytes()),
            "/atomic-store.js": browser_client(),
        }
    )
    async with open_store(path, events=None) as store:
        async with open_gateway(store, port=port, site=site) as gateway:
            print(gateway.url, flush=True)
            await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(main, sys.argv[1], int(sys.argv[2]))
