"""Standard files that are not there: nothing else may take their places."""

from __future__ import annotations

import os


def occupy_standard_files() -> None:
    """
    Put the null device where stdin, stdout or stderr is closed.

    The next file that is opened gets the lowest free number. Were that a journal's, what
    somebody writes to "stderr" would land in the journal.
    """
    while (file := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(file)
