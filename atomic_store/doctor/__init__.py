"""
What is odd about a machine, for the place where a store lies or would lie.

In this room: `facts` (what is known of a machine), `checks` (what each fact means; pure),
and `gathering`, the one part that looks at the machine.
"""

from __future__ import annotations

from .examining import examine, judge
from .facts import Facts
from .findings import Finding, Report, Severity

__all__ = ["Facts", "Finding", "Report", "Severity", "examine", "judge"]
