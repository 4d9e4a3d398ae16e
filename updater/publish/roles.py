"""What a repository begins with: its roles with their keys, its log, its trust files.

Rules. Only public halves are here: who holds the private ones is for `keys` to say.
A key is given as its bytes (DER SubjectPublicKeyInfo), never by an id or a name, so
that one key cannot be counted twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from updater.errors import MalformedError
from updater.offer.product import Product
from updater.transparency.addresses import Address
from updater.transparency.honour import TrustSet
from updater.transparency.key import VerifierKey
from updater.tuf import layout

TOP: Final = tuple(each.name for each in layout.TOP)
"""The roles that the root names."""
ONLINE: Final = ("claims", "snapshot", "timestamp")
"""Their keys lie on the machine that publishes: they sign what others decided."""


@dataclass(frozen=True, slots=True)
class Signers:
    """Who signs a role: so many of these keys, each DER SubjectPublicKeyInfo."""

    threshold: int
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """All that `Publisher.create` needs to know.

    Attributes:
        product: what is released.
        roles: signers of every TUF role by name; `archive` is signed as `releases`.
        trust: the trust files that clients begin with.
        log: the log's key.
        contact: how people reach the operator of the log; public.
        witnesses: where the witnesses of the policy are asked, by name.
    """

    product: Product
    roles: Mapping[str, Signers]
    trust: TrustSet
    log: VerifierKey
    contact: str = ""
    witnesses: Mapping[str, Address] = field(default_factory=dict)

    def signers(self, role: str) -> Signers:
        """Give who signs a role.

        Raises:
            MalformedError: nobody was named.
        """
        found = self.roles.get("releases" if role == "archive" else role)
        if found is None:
            raise MalformedError(f"setup: nobody signs the role {role!r}")
        return found

    @property
    def delegated(self) -> tuple[str, ...]:
        """The roles that targets delegates to, in the order in which that is done."""
        operators = sorted(
            each for each in self.roles if each.startswith(layout.REBUILD)
        )
        return (
            *(layout.TRUST.name, *operators, layout.CLAIMS.name),
            *(layout.CHANNELS.name, layout.RELEASES.name, layout.ARCHIVE.name),
        )
