"""
What a client asks of a gateway: one object from the call to the answer, over all connections.

A call knows how it is asked, what part of its answer has come, and what of that is void when
the connection is lost. It is asked again, under a new id, on each connection until it is
answered. What its caller should know is reported as a `Happening`. All of it is pure.
"""

from __future__ import annotations

from .asking import Asking, Watching
from .call import Call, Ended, Happening, Opened, Refused, Shut, Stirred
from .following import Flow, Following
from .offering import Offering
from .proposing import Proposing

__all__ = [
    "Asking",
    "Call",
    "Ended",
    "Flow",
    "Following",
    "Happening",
    "Offering",
    "Opened",
    "Proposing",
    "Refused",
    "Shut",
    "Stirred",
    "Watching",
]
