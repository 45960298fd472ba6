"""`atomic-store doctor`: what is odd about this machine, for a store at a place."""

from __future__ import annotations

import os

import click

from ..doctor import Finding, Report, Severity, examine
from .arguments import EMPTY
from .ending import DONE, WRONG
from .output import counted, print_line, print_value
from .texts import help_option


@click.command(add_help_option=False)
@click.argument("place", default=".")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@help_option
def doctor(place: str, as_json: bool) -> int:
    """
    Say what is odd about this machine, for the store at PLACE, or one that would lie there.

    The file system, how long a sync takes, whether a lock holds, what room is left, the
    clock, limits, and Python. It writes one temporary file, and removes it; a store that is
    open is not disturbed. Without PLACE, it is this directory.
    """
    if place == "":
        raise click.BadParameter(EMPTY)
    if "://" in place:
        raise click.BadParameter("expected a directory of this machine, found a URL")
    report = examine(place)
    if as_json:
        print_value(json_of(report))
    else:
        for line in human_lines(place, report):
            print_line(line)
    return WRONG if report.worst is Severity.PROBLEM else DONE


def human_lines(place: str, report: Report) -> list[str]:
    """Say for people what was found: a line each, and what it means below."""
    lines = [f"{place}: {report.kind}"]
    width = max(len(finding.check) for finding in report.findings)
    for finding in report.findings:
        lines.append(f"{finding.severity.value:7}  {finding.check:{width}}  {finding.found}")
        lines += [f"{'':{width + 11}}{text}" for text in (finding.meaning, finding.advice) if text]
    lines.append(f"{place}: {_verdict(report)}")
    return lines


def _verdict(report: Report) -> str:
    if report.worst is Severity.OK:
        return "nothing is odd"
    told = (Severity.PROBLEM, Severity.WARNING, Severity.NOTE)
    numbers = [(sum(f.severity is s for f in report.findings), s.value) for s in told]
    return ", ".join(counted(number, name) for number, name in numbers if number)


def json_of(report: Report) -> dict[str, object]:
    """Give a report as a JSON value."""
    return {
        "place": _unicode(report.place),
        "kind": report.kind,
        "worst": report.worst.value,
        "findings": [_finding_json(finding) for finding in report.findings],
    }


def _finding_json(finding: Finding) -> dict[str, str]:
    return {
        "check": finding.check,
        "severity": finding.severity.value,
        "found": _unicode(finding.found),
        "meaning": finding.meaning,
        "advice": _unicode(finding.advice),
    }


def _unicode(text: str) -> str:
    """Show the bytes of a path that are no UTF-8 by their numbers."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")
