"""Where an exchange is, and who somebody is there.

Rules. Everything is spelt as `voip.gateway.admission` spells it.
"""

import ipaddress
from dataclasses import dataclass

from voip.errors import MalformedError, NotAllowedError
from voip.gateway.admission import normalised


@dataclass(frozen=True, slots=True)
class Host:
    """Where an exchange is: a DNS name or an address, and a port if one is given."""

    name: str
    port: int | None = None

    @property
    def is_literal(self) -> bool:
        """Whether it is an IP address: a certificate's name is not checked then."""
        try:
            ipaddress.ip_address(self.name)
        except ValueError:
            return False
        return True

    def __str__(self) -> str:
        """Write it as a SIP URI has it."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port is None else f"{name}:{self.port}"


def user_at_host(uri: str) -> tuple[str, Host]:
    """Part `sip:USER@HOST[:PORT]`, with nothing after it.

    Raises:
        MalformedError: it is none, or has what `admission.normalised` refuses.
    """
    try:
        spelt = normalised(uri)
    except NotAllowedError as error:
        raise MalformedError(f"{error}; came {uri!r}") from None
    rest = spelt.removeprefix("sip:")
    if rest == spelt or ";" in rest:
        raise MalformedError(f"expected sip:USER@HOST and no more, came {uri!r}")
    user, _, place = rest.partition("@")
    name, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        name, port = place, ""
    return user, Host(name.strip("[]"), int(port) if port else None)


def parse_host(text: str) -> Host:
    """Read `HOST` or `HOST:PORT`, an IPv6 address in brackets.

    Raises:
        MalformedError: it is neither.
    """
    try:
        return user_at_host(f"sip:x@{text}")[1]
    except MalformedError:
        raise MalformedError(f"expected HOST or HOST:PORT, came {text!r}") from None
