"""Contact cards: everything needed to call somebody, as seven lines of text.

A card has exactly one spelling: the parser writes what it read and demands the same
text. It is not signed, for an identity signs certificates only. A forged routing line
can misdirect or block calls but never complete a handshake; the identity line is what
the two people compare. Format: docs/formats/identity.md.
"""

import ipaddress
import re
import unicodedata
from dataclasses import KW_ONLY, dataclass, field
from typing import Final

from cryptography.hazmat.primitives import hashes

from voip.errors import MalformedError
from voip.identity.keys import (
    IDENTITY_DOMAIN,
    KEY_BYTES,
    check_identity,
    format_base32,
    parse_base32,
    parse_identity,
)
from voip.wire import lp8

ALIAS_BYTES: Final = 48  # fits the INVITE's payload and a terminal's line
RELAY_BYTES: Final = 110  # fits the INVITE's payload; an onion host has 62
CHECK_BYTES: Final = 5  # eight letters; one mistyped card in 10^12 gets by

_HEAD: Final = "ringfence card 1"
_NAMES: Final = ("alias", "identity", "board", "key", "relay", "check")
_ABSENT: Final = "-"
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")  # RFC 1123 §2.1
# Cc, Cf: controls, bidi marks, zero width. Zl, Zp: line breaks. Cs: not text at all.
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def check_alias(alias: str) -> None:
    """Check a name: shown to people, so it may not hide or move what is around it.

    Raises:
        MalformedError: not NFC, not 1-48 bytes of UTF-8, a control, format or bidi
            character, or outer spaces.
    """
    if any(unicodedata.category(character) in _HIDDEN for character in alias):
        raise MalformedError(f"alias: control or format character in {alias!r}")
    if alias != alias.strip() or not unicodedata.is_normalized("NFC", alias):
        raise MalformedError(
            f"alias: expected NFC without outer spaces, came {alias!r}"
        )
    if not 1 <= len(alias.encode()) <= ALIAS_BYTES:
        raise MalformedError(
            f"alias: expected 1 to {ALIAS_BYTES} bytes, came {len(alias.encode())}"
        )


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """Where a relay is, and how to know it.

    Attributes:
        host: lower-case host name, or IP address without brackets.
        port: TCP port.
        pin: SHA-256 of the SubjectPublicKeyInfo of its TLS key (RFC 7469 §2.4), 32
            bytes; None for the usual certificate authorities.
    """

    host: str
    port: int
    _: KW_ONLY
    pin: bytes | None = None

    @property
    def netloc(self) -> str:
        """``HOST:PORT``, with brackets around an IPv6 address (RFC 3986 §3.2.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_everywhere(self) -> bool:
        """Whether it is where a server listens that takes any address of its machine.

        Nobody can be called there.
        """
        return self.host in {"0.0.0.0", "::"}  # noqa: S104 -- asked, not listened at


def format_relay(relay: RelayAddress) -> str:
    """Spell a relay: ``HOST:PORT PIN``, PIN in base32 or ``-``."""
    pin = _ABSENT if relay.pin is None else format_base32(relay.pin)
    return f"{relay.netloc} {pin}"


def parse_relay(text: str) -> RelayAddress:
    """Read what `format_relay` wrote.

    Raises:
        MalformedError: not that spelling, an impossible host or port, or over 110
            bytes.
    """
    match = re.fullmatch(
        r"(\[([0-9a-f:.]+)\]|[^\[\]: ]+):([0-9]{1,5}) ([a-z2-7]+|-)", text
    )
    if match is None:
        raise MalformedError(f"relay: expected HOST:PORT PIN, came {text!r}")
    host = _parse_host(match[1])
    pin = None if match[4] == _ABSENT else parse_base32(match[4], KEY_BYTES)
    relay = RelayAddress(host, int(match[3]), pin=pin)
    if not 1 <= relay.port <= 65_535 or format_relay(relay) != text:
        raise MalformedError(f"relay: expected another spelling of {text!r}")
    if len(text) > RELAY_BYTES:
        raise MalformedError(
            f"relay: expected at most {RELAY_BYTES} bytes, came {len(text)}"
        )
    return relay


def _parse_host(text: str) -> str:
    labels = text.split(".")
    try:
        if text.startswith("["):
            return str(_parse_ipv6(text[1:-1]))
        if labels[-1].isdecimal():  # a name may not look like an address
            return str(ipaddress.IPv4Address(text))
    except ipaddress.AddressValueError:
        raise MalformedError(f"relay: no such address {text!r}") from None
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise MalformedError(f"relay: expected a lower-case host name, came {text!r}")
    return text


def _parse_ipv6(text: str) -> ipaddress.IPv6Address:
    address = ipaddress.IPv6Address(text)
    if address.ipv4_mapped is not None:
        # RFC 5952 §5 leaves it two spellings, and versions of Python differ
        raise ipaddress.AddressValueError
    return address


@dataclass(frozen=True, slots=True)
class Card:
    """How to call somebody.

    Attributes:
        alias: the name they suggest; the user may choose another.
        identity: Ed25519, 32 bytes.
        board: Ed25519 key that signs their boards, 32 bytes; not the identity.
        key: opens their boards, 32 bytes; whoever has the card has it.
        relay: where their boards and mailboxes are; None if they use no relay.
    """

    alias: str
    identity: bytes
    _: KW_ONLY
    board: bytes
    key: bytes = field(repr=False)
    relay: RelayAddress | None


def format_card(card: Card) -> str:
    """Spell a card: seven lines, each ended by a line feed."""
    relay = _ABSENT if card.relay is None else format_relay(card.relay)
    values = (
        card.alias,
        format_base32(card.identity),
        format_base32(card.board),
        format_base32(card.key),
        relay,
    )
    lines = [
        _HEAD,
        *(f"{name}: {value}" for name, value in zip(_NAMES, values, strict=False)),
    ]
    text = "".join(f"{line}\n" for line in lines)
    return f"{text}check: {_check(text)}\n"


def parse_card(text: str) -> Card:
    """Read what `format_card` wrote.

    Raises:
        MalformedError: a mistyped check, another spelling, or values that cannot be.
    """
    lines = text.split("\n")
    names = tuple(line.partition(": ")[0] for line in lines[1:-1])
    if lines[0] != _HEAD or names != _NAMES or lines[-1]:
        raise MalformedError(
            f"card: expected {_HEAD!r} and the lines {', '.join(_NAMES)}"
        )
    alias, identity, board, key, relay, check = (
        line.partition(": ")[2] for line in lines[1:-1]
    )
    check_alias(alias)
    if check != _check("".join(f"{line}\n" for line in lines[:-2])):
        raise MalformedError("card: the check line does not fit; is a line mistyped?")
    card = Card(
        alias,
        parse_identity(identity),
        board=parse_base32(board, KEY_BYTES),
        key=parse_base32(key, KEY_BYTES),
        relay=None if relay == _ABSENT else parse_relay(relay),
    )
    check_identity(card.board)
    return card


def _check(lines: str) -> str:
    digest = hashes.Hash(hashes.SHA512_256())
    digest.update(lp8(IDENTITY_DOMAIN) + lp8(b"card"))
    digest.update(lines.encode(errors="surrogatepass"))  # refused as values, later
    return format_base32(digest.finalize()[:CHECK_BYTES])
