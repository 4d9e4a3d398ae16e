"""Where blobs go, and where they are read."""

import ipaddress
from dataclasses import dataclass, field

from voip.identity.card import RelayAddress


@dataclass(frozen=True, slots=True)
class Address:
    """Where a blob for one device goes: a mailbox, and whose it is.

    `relay` is None where no relay is needed (a messenger carries the blob).
    """

    tag: bytes
    identity: bytes
    relay: RelayAddress | None


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox that we read; `fetch` (32 bytes) is secret."""

    fetch: bytes = field(repr=False)
    relay: RelayAddress | None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by address; names prove nothing."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
