"""
Bounds on what costs more to take in than to send: tiny frames, and endless fragments.

A reader of WebSocket frames keeps a part for each fragment, also for an empty one, which its
limit on a message's size never sees; and it handles all frames of one read before anybody else
has a turn. So frames are counted before they are given to it: nothing else is looked at, and
what is not even a frame is for the reader to refuse.
"""

from __future__ import annotations

from typing import Final, final

import attrs

FRAGMENTS_MAX: Final = 4096
"""How many fragments a message may have: one of 4 MiB in pieces of a kilobyte."""
FRAMES_A_READ_MAX: Final = 128
"""How many frames are handed on at a time: a few milliseconds of work."""


class TooManyFragments(Exception):
    """A message came in more fragments than anybody has use for."""


@final
@attrs.define(eq=False)
class FrameCounter:
    """Follows the frames of a client by their heads alone."""

    fragments_max: int = FRAGMENTS_MAX
    frames_a_read_max: int = FRAMES_A_READ_MAX
    # What has come of a head that is not whole yet.
    _head: bytearray = attrs.Factory(bytearray)
    # How much of a payload has not come yet, its mask included.
    _payload_bytes: int = 0
    _fragments: int = 0

    def take(self, data: bytes, start: int = 0, end: int | None = None) -> int:
        """
        Count the frames that begin in some bytes.

        Args:
          data: what was received.
          start, end: the part of it that is looked at.

        Returns:
          Up to where it may be handed on now; what lies behind is to be given again.

        Raises:
          TooManyFragments: a message has more than `fragments_max`.
        """
        at, frames = start, 0
        end = len(data) if end is None else end
        while at < end:
            if self._payload_bytes:
                passed = min(self._payload_bytes, end - at)
                self._payload_bytes -= passed
                at += passed
            elif frames == self.frames_a_read_max:
                break
            else:
                self._head.append(data[at])
                at += 1
                frames += self._begin_if_whole()
        return at

    def _begin_if_whole(self) -> bool:
        """Go on to the payload where a head has come whole."""
        if len(self._head) < 2:
            return False
        size = self._head[1] & 0x7F
        size_bytes = {126: 2, 127: 8}.get(size, 0)
        if len(self._head) < 2 + size_bytes:
            return False
        if size_bytes:
            size = int.from_bytes(self._head[2:], "big")
        mask_bytes = 4 if self._head[1] & 0x80 else 0
        self._payload_bytes = mask_bytes + size
        is_control, is_last = self._head[0] & 0x08, self._head[0] & 0x80
        self._head.clear()
        if not is_control:
            self._fragments = 0 if is_last else self._fragments + 1
            if self._fragments > self.fragments_max:
                raise TooManyFragments(f"a message has more than {self.fragments_max} fragments")
        return True
