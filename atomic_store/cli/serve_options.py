"""What `atomic-store serve` can be told: where, to whom, and who decides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from ..errors import shown
from ..gateway.access.origins import parse_host, parse_origin
from .log_lines import LogFormat

VALIDATION_TIMEOUT_S_MIN: Final = 0.001
VALIDATION_TIMEOUT_S_MAX: Final = 86_400


def _checked(parse: Callable[[bytes], object], expected: str) -> Callable[..., Any]:
    """Refuse what the gateway could not compare with what browsers send."""

    def check(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
        for text in value:
            if parse(text.encode("utf-8", "surrogateescape")) is None:
                raise click.BadParameter(f"expected {expected}, found {shown(text)}")
        return value

    return check


def _file(context: click.Context, parameter: click.Parameter, value: str | None) -> Path | None:
    if value == "":
        raise click.BadParameter("expected the path of a file, found an empty one")
    return None if value is None else Path(value)


def _address(context: click.Context, parameter: click.Parameter, value: str) -> str:
    # An empty one would mean all addresses, and is more likely an unset variable.
    if value == "":
        raise click.BadParameter("expected an address of this machine, found an empty one")
    return value


def _timeout(context: click.Context, parameter: click.Parameter, value: float) -> float:
    # Written so that it refuses what is no number, too.
    if not VALIDATION_TIMEOUT_S_MIN <= value <= VALIDATION_TIMEOUT_S_MAX:
        least, most = VALIDATION_TIMEOUT_S_MIN, VALIDATION_TIMEOUT_S_MAX
        raise click.BadParameter(f"expected {least} to {most} seconds, found {value}")
    return value


def _log_format(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> LogFormat | None:
    return None if value is None else LogFormat(value)


host_option = click.option(
    "--host",
    default="127.0.0.1",
    callback=_address,
    show_default=True,
    metavar="ADDRESS",
    help="Where to listen: an address of this machine.",
)
port_option = click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8080,
    show_default=True,
    help="On which port; 0 takes a free one.",
)
tokens_option = click.option(
    "--tokens",
    callback=_file,
    metavar="FILE",
    help="Let in who has a token of this file (`atomic-store token` makes them). "
    "Without it, whoever is on this machine.",
)
tls_cert_option = click.option(
    "--tls-cert", callback=_file, metavar="FILE", help="Speak TLS with this certificate (PEM)."
)
tls_key_option = click.option(
    "--tls-key", callback=_file, metavar="FILE", help="The certificate's private key (PEM)."
)
origin_option = click.option(
    "--origin",
    "origins",
    multiple=True,
    callback=_checked(parse_origin, "an origin, as https://example.com"),
    metavar="ORIGIN",
    help="Pages of this origin may connect; without it, those of the gateway's own names. "
    "May be repeated.",
)
name_option = click.option(
    "--name",
    "names",
    multiple=True,
    callback=_checked(parse_host, "a host's name, perhaps with :port"),
    metavar="NAME",
    help="Another name under which it is called, as events.example.com:443. May be repeated.",
)
validator_option = click.option(
    "--validator",
    metavar="MODULE:FUNCTION",
    help="Decides proposals that their proposers do not decide. This directory is searched first.",
)
validation_timeout_option = click.option(
    "--validation-timeout",
    type=float,
    default=5.0,
    callback=_timeout,
    show_default=True,
    metavar="SECONDS",
    help="How long a decision may take.",
)
insecure_option = click.option(
    "--insecure",
    is_flag=True,
    help="Listen where others than this machine can connect, without tokens or without TLS.",
)
log_format_option = click.option(
    "--log-format",
    type=click.Choice([str(form) for form in LogFormat]),
    callback=_log_format,
    help="How the log looks, on stderr; without it, json where that is no terminal.",
)
