"""Writing what is filtered into a file: JSON lines, or CSV."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from .desk import Desk
from .model.export import csv_lines, json_lines
from .model.which import Which
from .sources.source import Found

CSV: Final = ".csv"
JSON_LINES: Final = (".jsonl", ".ndjson", ".json")

OnProgress = Callable[[int, float], None]
"""Is told how many records were written, and what part of all was looked at, from 0 to 1."""


async def export(desk: Desk, which: Which, path: Path, on_progress: OnProgress) -> int:
    """
    Write all records that are wanted into a new file.

    The file appears when it is whole: until then it has another name, and is removed if it
    comes to nothing. Records that come after the beginning are not in it.

    Args:
      path: ends with ``.csv``, or ``.jsonl``.

    Returns:
      How many records it has.

    Raises:
      ValueError: the path has another ending.
      FileExistsError: something is there already.
      OSError: it cannot be written.
    """
    write = _writer(path)
    if await asyncio.to_thread(os.path.lexists, path):
        raise FileExistsError(f"{path}: expected a new file, found one that is there already")
    file = await asyncio.to_thread(_open_beside, path)
    count = 0
    try:
        source = desk.source
        async with desk.bridge.stream(source.search, which) as batches:
            async for batch in batches:
                await asyncio.to_thread(write, file, batch, not count)
                count += sum(len(found.records) for found in batch)
                last = batch[-1]
                on_progress(count, last.done / last.total if last.total else 1.0)
        if not count:
            await asyncio.to_thread(write, file, [], True)
        await asyncio.to_thread(_finish, file, path)
    except BaseException:
        _forget(file)
        raise
    return count


def _writer(path: Path) -> Callable[[IO[str], list[Found], bool], None]:
    suffix = path.suffix.lower()
    if suffix == CSV:
        return _write_csv
    if suffix in JSON_LINES:
        return _write_json
    raise ValueError(f"expected a name that ends with .csv or .jsonl, found {path.name}")


def _write_csv(file: IO[str], batch: list[Found], is_first: bool) -> None:
    records = [record for found in batch for record in found.records]
    if records or is_first:
        file.writelines(csv_lines(records, header=is_first))


def _write_json(file: IO[str], batch: list[Found], is_first: bool) -> None:
    file.writelines(json_lines(record for found in batch for record in found.records))


def _open_beside(path: Path) -> IO[str]:
    return tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="", dir=path.parent, prefix=f".{path.name}.", delete=False
    )


def _finish(file: IO[str], path: Path) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()
    # Unlike a rename, this never takes the place of what has come there meanwhile.
    os.link(file.name, path)
    Path(file.name).unlink()


def _forget(file: IO[str]) -> None:
    with suppress(OSError):
        file.close()
    with suppress(OSError):
        Path(file.name).unlink()
