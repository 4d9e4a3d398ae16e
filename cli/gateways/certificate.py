"""The certificate of a page that guests open: read, renewed and watched."""

import datetime as dt
import ssl
from pathlib import Path

from cryptography import x509

from cli.output import complain
from voip.errors import MissingError


class Certificate:
    """A certificate chain and its private key, from PEM files.

    Attributes:
        context: what a server shows them with.
        expires: when the first of the chain does.
    """

    def __init__(self, chain: Path, key: Path) -> None:
        """Read them.

        Raises:
            MissingError: they cannot be read, or do not belong together.
        """
        self._chain, self._key = chain, key
        self.context = _new_context()
        self.expires = self._load()

    def renew(self) -> None:
        """Read them again; what cannot be used changes nothing, and is complained of.

        Connections that are open keep the certificate that they began with.
        """
        try:
            self.expires = self._load()
        except MissingError as error:
            complain(f"certificate not changed: {error}")

    async def check(self) -> None:
        """See that browsers would still take it.

        Raises:
            MissingError: it has expired.
        """
        if dt.datetime.now(dt.UTC) >= self.expires:
            raise MissingError(f"the certificate expired on {self.expires:%Y-%m-%d}")

    def _load(self) -> dt.datetime:
        try:
            first, *_ = x509.load_pem_x509_certificates(self._chain.read_bytes())
            # A context that took one half of a pair would show nobody anything.
            for context in (_new_context(), self.context):
                context.load_cert_chain(self._chain, self._key)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise MissingError(f"certificate {str(self._chain)!r}: {error}") from error
        return first.not_valid_after_utc


def _new_context() -> ssl.SSLContext:
    return ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
