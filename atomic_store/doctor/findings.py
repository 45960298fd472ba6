"""What a doctor says: findings, each with what it means and what to do. Pure."""

from __future__ import annotations

from enum import Enum
from typing import final

import attrs


class Severity(Enum):
    """How much a finding matters, the least first."""

    OK = "ok"
    NOTE = "note"
    """It is good to know, and may be meant."""
    WARNING = "warning"
    """It works, and will hurt one day."""
    PROBLEM = "problem"
    """A store there does not work, or does not keep what it promises."""


_ORDER = tuple(Severity)


@final
@attrs.frozen
class Finding:
    """What one check says."""

    check: str
    """What was looked at: ``"sync"``."""
    severity: Severity
    found: str
    meaning: str = ""
    """What follows from it; empty where all is well."""
    advice: str = ""
    """What to do about it; empty where there is nothing to do."""


@final
@attrs.frozen
class Report:
    """All that was found at one place."""

    place: str
    """Its absolute path."""
    kind: str
    """What lies there."""
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Severity:
        """The severity of the worst finding."""
        return max((f.severity for f in self.findings), key=_ORDER.index, default=Severity.OK)
