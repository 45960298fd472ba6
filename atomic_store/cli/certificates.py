"""TLS from files: a certificate with its chain, and its key, which may change while they serve."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import final

import attrs

from .ending import CannotRun


@final
@attrs.define(eq=False)
class Certificates:
    """
    A TLS context, and the files that it came from. TLS 1.2 at least.

    Raises:
      CannotRun: there is no certificate in the one, or not its key in the other.
    """

    certificate: Path
    key: Path
    context: ssl.SSLContext = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.context = self._read()

    def reload(self) -> None:
        """
        Read the files again; connections from now on get what is in them. Blocks.

        Raises:
          CannotRun: they are no certificate and its key; all stays as it was.
        """
        # Into another context first: one that has taken half of it would serve nobody.
        self._read()
        self._load(self.context)

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._load(context)
        return context

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self.certificate, self.key, self._no_passphrase)
        except ssl.SSLError as error:
            raise CannotRun(
                f"{self.certificate}, {self.key}: expected a certificate and its private key, both "
                f"in PEM, found something else ({error.reason or error})"
            ) from error
        except OSError as error:
            raise CannotRun(self._unreadable(error)) from error

    def _unreadable(self, error: OSError) -> str:
        # OpenSSL does not say which of them it is.
        for path in (self.certificate, self.key):
            try:
                with path.open("rb"):
                    pass
            except OSError as found:
                return f"{path}: {found.strerror or found}"
        return f"{self.certificate}, {self.key}: {error.strerror or error}"

    def _no_passphrase(self) -> str:
        raise CannotRun(f"{self.key}: expected a key without a passphrase, found one that has one")
