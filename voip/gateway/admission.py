"""Who may have somebody joined to a call, and who may be reached so.

Pure. Toll fraud is the commonest attack on gateways to the telephone: whoever finds one
open calls numbers that pay him. So nothing may be reached that was not allowed, and
each target has one spelling before it is looked at. For how long is `quota`'s to say.
"""

import re
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from voip.errors import MalformedError, NotAllowedError
from voip.identity.contact import Grant
from voip.identity.trust import Trust, TrustState
from voip.signalling.legs import MAX_TARGET_BYTES, LegKind

_SEPARATORS: Final = str.maketrans("", "", "-.()")  # RFC 3966 §5.1.1
_NUMBER: Final = re.compile(r"\+?[0-9*#().-]*", re.ASCII)
_USER: Final = re.compile(r"[A-Za-z0-9_.!~*+#()-]+", re.ASCII)
_ANY: Final = "[^@:]*"
_DIGITS: Final = r"(?:(?<=:)\+)?[0-9]*"  # the colon is the scheme's
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_PARAMETERS: Final = {
    "transport": frozenset({"udp", "tcp", "tls"}),
    "user": frozenset({"phone", "ip"}),
}
"""Others steer a request past the host that was looked at (`maddr`), or change what it
is (`method`)."""

_GRANTED: Final = {
    LegKind.BROWSER: frozenset({Grant.BROWSER, Grant.ALL}),
    LegKind.SIP: frozenset({Grant.SIP, Grant.ALL}),
    LegKind.ROOM: frozenset({Grant.ALL}),
}


def check_asker(trust: Trust, grant: Grant, kind: LegKind) -> None:
    """Check that the other side of a call may ask for a leg.

    Raises:
        NotAllowedError: we do not know them well enough, or never granted it.
    """
    if trust.state not in (TrustState.CONTINUOUS, TrustState.VERIFIED):
        raise NotAllowedError(
            "a leg is for contacts whose device was met before: expected trust"
            f" 'continuous' or 'verified', came {trust.state.value!r}"
        )
    check_grant(grant, kind)


def check_grant(grant: Grant, kind: LegKind) -> None:
    """Check that somebody allowed a contact to ask for legs of a kind.

    Raises:
        NotAllowedError: nobody did.
    """
    if grant not in _GRANTED[kind]:
        raise NotAllowedError(
            f"this contact may not ask for a {kind.name.lower()} leg: its grant is"
            f" {grant.value!r}"
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """Whether targets that fit a pattern may be reached.

    The pattern is a URI in the spelling of `normalised`, without parameters; `*` stands
    for any characters but @ and :, as in ``sip:+4930*@pbx.example``. Where a rule
    allows, and the user does not begin with a letter, its `*` stands for digits alone,
    after a + if it comes first: exchanges dial what they find of a number, so
    ``+49!900123`` would pass a rule that denies ``+49900*``.

    Raises:
        MalformedError: a pattern that no target could fit. A host of a star alone is
            one: whoever allows that allows the world.
    """

    pattern: str
    _: KW_ONLY
    allows: bool

    def __post_init__(self) -> None:
        # A star fits where a digit and a letter may stand.
        try:
            sample = normalised(self.pattern.replace("*", "0"))
        except NotAllowedError as error:
            raise MalformedError(f"pattern {self.pattern!r}: {error}") from None
        if sample != self.pattern.replace("*", "0"):
            raise MalformedError(
                f"pattern {self.pattern!r}: expected the spelling {sample!r}"
            )

    def fits(self, target: str) -> bool:
        """Whether a normalised URI without parameters fits."""
        _, _, user = target.partition(":")
        is_name = user[:1].isalpha()
        star = _ANY if is_name or not self.allows else _DIGITS
        who, at, place = self.pattern.partition("@")
        fitting = _with_star(who, star) + at + _with_star(place, _ANY)
        return re.fullmatch(fitting, target) is not None


def _with_star(pattern: str, star: str) -> str:
    return star.join(re.escape(part) for part in pattern.split("*"))


def admitted(target: str, rules: Iterable[Rule]) -> str:
    """Give the one spelling of a target that may be reached.

    The first rule that fits decides; where none does, it may not.

    Raises:
        NotAllowedError: it may not be reached, or is spelt as nobody honest does.
    """
    uri = normalised(target)
    bare = uri.partition(";")[0]
    for rule in rules:
        if rule.fits(bare):
            if rule.allows:
                return uri
            raise NotAllowedError(f"{bare!r} is denied by {rule.pattern!r}")
    raise NotAllowedError(f"{bare!r} is allowed by no rule")


def normalised(target: str) -> str:
    """Give a SIP URI (RFC 3261 §19.1) its one spelling.

    ``SIP:+49(30)1-2@PBX.Example.;USER=phone`` is written
    ``sip:+493012@pbx.example;user=phone``.

    Raises:
        NotAllowedError: another scheme, a password, a header, an escape, another
            parameter than transport and user, or characters beyond ASCII: each has
            been used to make a filter and a stack read two different things.
    """
    if not (target.isascii() and target.isprintable() and len(target) > 0):
        raise NotAllowedError("target: expected printable ASCII")
    if len(target) > MAX_TARGET_BYTES:
        raise NotAllowedError(
            f"target: expected at most {MAX_TARGET_BYTES} characters, "
            f"came {len(target)}"
        )
    scheme, colon, rest = target.partition(":")
    if not colon or scheme.lower() not in ("sip", "sips"):
        raise NotAllowedError("target: expected a URI that begins with sip: or sips:")
    user, at, place = rest.partition("@")
    if not at or "@" in place or not _USER.fullmatch(user):
        raise NotAllowedError(
            "target: expected USER@HOST, the user in letters, digits and -_.!~*+#()"
        )
    host, *parameters = place.split(";")
    if _NUMBER.fullmatch(user):
        user = user.translate(_SEPARATORS)
        if not user.strip("+"):
            raise NotAllowedError("target: expected a number with digits")
    return f"{scheme.lower()}:{user}@{_host(host)}{_parameters(parameters)}"


def _host(text: str) -> str:
    name, port = _split_port(text.lower())
    if name.startswith("["):
        try:  # a zone (%) would be an escape
            inside = name[1:-1] if name.endswith("]") and "%" not in name else ""
            return f"[{IPv6Address(inside)}]{port}"
        except ValueError:
            raise NotAllowedError("target: expected an IPv6 address in []") from None
    name = name.removesuffix(".")
    labels = name.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise NotAllowedError("target: expected a host name or an address")
    if labels[-1][0].isdigit():
        # No top-level domain begins with one: 127.1, 0x7f000001 and 2130706433 are
        # ways to write an address that few filters and all resolvers know.
        try:
            name = str(IPv4Address(name))
        except ValueError:
            raise NotAllowedError("target: expected four numbers up to 255") from None
    return name + port


def _split_port(text: str) -> tuple[str, str]:
    head, bracket, tail = text.rpartition("]")
    name, colon, port = tail.partition(":")
    if not colon:
        return text, ""
    if not re.fullmatch("[1-9][0-9]{0,4}", port, re.ASCII) or int(port) > 0xFFFF:
        raise NotAllowedError("target: expected a port of 1-65535")
    return head + bracket + name, f":{port}"


def _parameters(given: Iterable[str]) -> str:
    found: dict[str, str] = {}
    for each in given:
        name, _, value = each.lower().partition("=")
        if name in found or value not in _PARAMETERS.get(name, ()):
            raise NotAllowedError(
                "target: expected no parameter but transport and user, each once"
            )
        found[name] = value
    return "".join(f";{name}={found[name]}" for name in sorted(found))
