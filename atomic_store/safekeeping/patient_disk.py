"""A disk that reads around what it cannot read: zeros stand for it, and it is remembered."""

from __future__ import annotations

from typing import Any, Final, final

import attrs

from ..journal.disk import Disk

BLOCK_BYTES: Final = 4096


@final
@attrs.define(eq=False)
class PatientDisk:
    """
    Another disk, of which bad blocks are read as zeros.

    Zeros are never taken for a line, so that what a bad block held is found unreadable, and
    what stands around it is not lost.
    """

    disk: Disk
    bad: dict[tuple[str, int], str] = attrs.Factory(dict)
    """The path and offset of each block that could not be read, and why."""
    _paths: dict[int, str] = attrs.Factory(dict)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.disk, name)

    def open(self, path: str, access: Any) -> int:
        """Open a regular file."""
        file = self.disk.open(path, access)
        self._paths[file] = path
        return file

    def pread(self, file: int, size: int, offset: int) -> bytes:
        """Read up to `size` bytes; block by block, if they cannot be read at once."""
        try:
            return self.disk.pread(file, size, offset)
        except OSError:
            end = min(offset + size, self.disk.size(file))
        data = b""
        while offset < end:
            length = min(BLOCK_BYTES - offset % BLOCK_BYTES, end - offset)
            data += self._block(file, length, offset)
            offset += length
        return data

    def _block(self, file: int, size: int, offset: int) -> bytes:
        try:
            return self.disk.pread(file, size, offset).ljust(size, b"\0")
        except OSError as error:
            self.bad.setdefault((self._paths[file], offset), error.strerror or str(error))
            return bytes(size)
