"""What runs JavaScript: a real Chromium, and Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import playwright
from playwright.sync_api import Browser, sync_playwright

from tools import require_tool

RUNNER = Path(__file__).parent / "client_runner.mjs"
CLIENT = Path(__file__).parent.parent / "atomic_store" / "gateway" / "static" / "atomic-store.js"
NODE_S = 60


@contextmanager
def open_chromium() -> Iterator[Browser]:
    """
    Start the Chromium of this machine for a block, or skip the test.

    While it runs there is an asyncio loop in this thread, so tests that run one of their own
    must not run meanwhile.
    """
    path = require_tool("chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path)
        try:
            yield browser
        finally:
            browser.close()


def node() -> str:
    """The path of a Node that has WebSockets: the machine's, or the one that drives browsers."""
    found = shutil.which("node")
    own = Path(playwright.__file__).parent / "driver" / "node"
    return found if found is not None and _has_websockets(found) else str(own)


def _has_websockets(path: str) -> bool:
    asked = [path, "--eval", "process.exit(typeof WebSocket === 'function' ? 0 : 1)"]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


def run_in_node(name: str, url: str, do: Callable[[str], str], folder: Path) -> Any:
    """
    Run a scenario in Node.

    Args:
      do: does what the scenario asks for by a word, and gives an answer.
      folder: an empty one; the scenario and the client lie side by side there.
    """
    shutil.copy(CLIENT, folder / "atomic-store.js")
    shutil.copy(RUNNER.with_name("client_scenarios.js"), folder / "scenarios.js")
    shutil.copy(RUNNER, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    with subprocess.Popen(
        [node(), folder / RUNNER.name, name, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            for line in process.stdout:
                said = json.loads(line)
                if "result" in said:
                    return said["result"]
                process.stdin.write((json.dumps(do(said["do"])) + "\n").encode())
                process.stdin.flush()
            raise AssertionError(f"expected a result, found Node's end: {process.wait(NODE_S)}")
        finally:
            process.kill()


def run_in_chromium(
    name: str, page_address: str, url: str, do: Callable[[str], str], browser: Browser
) -> Any:
    """Run a scenario in a page of its own; arguments as those of `run_in_node`."""
    page = browser.new_page()
    try:
        page.set_default_timeout(NODE_S * 1000)
        page.expose_function("ask", do)
        page.goto(page_address)
        return page.evaluate(
            "async ([name, url]) => (await import('/scenarios.js'))[name](url, window.ask)",
            [name, url],
        )
    finally:
        page.close()
