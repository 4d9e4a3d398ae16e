"""Answers a guest's HELLO: who has the link, and which keys both share from here on.

Rules; format: docs/formats/guest.md.
"""

from typing import NamedTuple

from voip.errors import HandshakeError
from voip.gateway.guests import handshake
from voip.gateway.guests.call import GuestCall
from voip.gateway.guests.handshake import Answering, Media, Reply, Role
from voip.gateway.guests.invite import Invite
from voip.gateway.guests.line import GuestLine
from voip.identity.keys import Entropy

_E_AT, _E_END = 17, 49  # the guest's ephemeral key in a HELLO


class Greeted(NamedTuple):
    """What one handshake gave.

    Attributes:
        reply: to be sent.
        call: of the guest.
        line: of his messages.
        resume_id: what he names this call by on a new socket, 16 bytes.
        holder: which connection holds the invite.
    """

    reply: bytes
    call: GuestCall
    line: GuestLine
    resume_id: bytes
    holder: int


def greet(  # noqa: PLR0913 - what a REPLY says
    invite: Invite,
    hello: bytes,
    *,
    origin: str,
    alias: str,
    media: Media,
    fingerprint: bytes,
    now: float,
    entropy: Entropy,
) -> Greeted:
    """Answer a HELLO of the invite's; `fingerprint` is of our certificate.

    Raises:
        HandshakeError: not made by who has the link.
        RefusedError: the invite takes no further HELLO.
    """
    invite.check_open(now)
    if not invite.psk:
        # Spent before this program began, and known by its id alone: that is of the
        # link, but a proxy which ends TLS has seen it as well. This raises.
        invite.hold(hello[_E_AT:_E_END], now)
    answering = Answering(invite.psk, origin, invite.id)
    try:
        said = answering.read(hello)
    except HandshakeError:
        invite.failed()
        raise
    holder = invite.hold(answering.e, now)
    nonce = entropy(handshake.NONCE_BYTES)
    reply, keys = answering.reply(
        Reply(nonce, fingerprint, media=media, alias=alias), entropy
    )
    call = GuestCall(said, answering.e, keys, now=now, entropy=entropy)
    line = GuestLine(keys, Role.GATEWAY, entropy)
    return Greeted(reply, call, line, keys.resume_id, holder)
