"""
Tools for the bad day, and for the days before it: back up, restore, repair, export, import.

In this room: what copies whole stores, and makes new ones of what there was. Each of the
tools leaves alone what it reads, writes in a new place, and gives that place its name only
when all of it is durable. All but `export_records` are plain functions that block; in Trio,
`trio.to_thread.run_sync` calls them.
"""

from __future__ import annotations

from ..journal.verify import Damage, Verification, verify
from .backing_up import BackedUp, backup
from .exporting import Paged, export_records
from .importing import Imported, import_records
from .keeping import CutScope
from .left_out import LeftOut
from .lines import ExportEnd
from .repairing import Repaired, repair
from .restoring import Restored, restore

__all__ = [
    "BackedUp",
    "CutScope",
    "Damage",
    "ExportEnd",
    "Imported",
    "LeftOut",
    "Paged",
    "Repaired",
    "Restored",
    "Verification",
    "backup",
    "export_records",
    "import_records",
    "repair",
    "restore",
    "verify",
]
