"""`atomic-store serve`: a store for whoever speaks WebSocket."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..gateway.access import TokenFile
from ..gateway.access.origins import LOOPBACK
from .arguments import new_or_old_store_argument
from .certificates import Certificates
from .ending import CannotRun
from .log_lines import LogFormat
from .log_queue import logging_to
from .output import flush, print_line
from .serve_options import (
    host_option,
    insecure_option,
    log_format_option,
    name_option,
    origin_option,
    port_option,
    tls_cert_option,
    tls_key_option,
    tokens_option,
    validation_timeout_option,
    validator_option,
)
from .standard_files import occupy_standard_files
from .texts import help_option
from .validator import load_validator


@click.command(add_help_option=False)
@new_or_old_store_argument
@host_option
@port_option
@tokens_option
@tls_cert_option
@tls_key_option
@origin_option
@name_option
@validator_option
@validation_timeout_option
@insecure_option
@log_format_option
@help_option
def serve(
    store: Path, host: str, port: int, tokens: Path | None, tls_cert: Path | None,
    tls_key: Path | None, origins: tuple[str, ...], names: tuple[str, ...],
    validator: str | None, validation_timeout: float, insecure: bool,
    log_format: LogFormat | None,
) -> int:  # fmt: skip
    """
    Serve the store in DIR over WebSocket, until Ctrl-C or SIGTERM.

    A DIR that is not there is made. Prints the address on stdout, and a log on stderr.
    Events are plain JSON: a type, and whatever data.
    """
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("expected --tls-cert and --tls-key, found one of them")
    if host not in LOOPBACK and not insecure and (tokens is None or tls_cert is None):
        raise CannotRun(
            f"--host {host}: others than this machine could connect: expected --tokens, "
            "--tls-cert and --tls-key, or --insecure"
        )
    occupy_standard_files()
    try:
        # Only this one needs what serves it.
        from .serving import Serving, run
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        raise CannotRun(
            f"serve: expected the gateway's packages, found no {missing}: "
            'pip install "trio-atomic-store[gateway]"'
        ) from None
    with logging_to(sys.stderr, log_format or _fitting_format()):
        serving = Serving(
            store=store, host=host, port=port,
            tokens=None if tokens is None else TokenFile(tokens),
            certificates=(
                None if tls_cert is None or tls_key is None else Certificates(tls_cert, tls_key)
            ),
            origins=origins or None, names=names,
            validate=None if validator is None else load_validator(validator, Path.cwd()),
            validation_timeout_s=validation_timeout, allow_insecure=insecure,
        )  # fmt: skip
        return run(serving, _tell)


def _fitting_format() -> LogFormat:
    is_for_people = sys.stderr is not None and sys.stderr.isatty()
    return LogFormat.TEXT if is_for_people else LogFormat.JSON


def _tell(url: str) -> None:
    """Print the address. Whoever reads it waits for it, and may read nothing more."""
    print_line(url)
    flush()
