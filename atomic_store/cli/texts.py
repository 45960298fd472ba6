"""`--help` and `--version`, printed like all other output."""

from __future__ import annotations

import click

from .. import __version__
from .output import print_line


def _show_help(context: click.Context, parameter: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        for line in context.get_help().splitlines():
            print_line(line)
        context.exit()


def _show_version(context: click.Context, parameter: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        print_line(f"atomic-store {__version__}")
        context.exit()


# Click's own options print by themselves, and leave a full disk or a closed pipe to
# the interpreter's last flush.
help_option = click.option(
    "--help",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_help,
    help="Show this and exit.",
)
version_option = click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
