"""One pair of devices in a call: its handshake, its keys and its messages.

Pure. The caller has a leg per device it dials, the callee has one::

    caller   Leg.dial ── INVITE ──>             <── RINGING ── Leg.answer   callee
             receive_ringing                                   check_confirm
             delivery + seal   ── later blobs, both ways ──    delivery + seal

What a leg does to the trust in the other device is given as a change of its entry in
the address book, so that the driver can have it on disk before anything leaves.
"""

from dataclasses import replace

from voip.errors import HandshakeError
from voip.handshake.exchange import (
    Invited,
    Received,
    consume_ringing,
    create_invite,
    create_ringing,
)
from voip.handshake.kem import Encapsulate
from voip.handshake.payload import Answer, Offer
from voip.handshake.sas import check_commitment
from voip.handshake.schedule import Opening, Role, SessionKeys
from voip.identity.callkey import Bundle, CallKey
from voip.identity.certificate import CAP_LEGS
from voip.identity.contact import Device
from voip.identity.keys import Entropy
from voip.identity.trust import (
    DeviceTrust,
    TrustState,
    commit_callee,
    commit_caller,
    judge,
)
from voip.notice import Notice, Told
from voip.signalling.address import Address, Mailbox
from voip.signalling.delivery import Delivery
from voip.signalling.envelope import mailbox_tag, open_blob, seal_blob
from voip.signalling.messages import Confirm


class Leg:
    """Our side of a pair of devices; made by `dial` or `answer`.

    Attributes:
        role: ours.
        device: theirs, 16 bytes.
        mailbox: where we read what they send.
        to: where to send what is sealed.
        trust: what the user is shown for this device in this call.
        call_secret: S_0 of the media (64 bytes), once there are keys.
        openings: how the media of us and of them begins, once there are keys.
        sas: the short authentication string (8 bytes), once both nonces are known.
        invites: where the INVITE goes.
        last_resort: where it goes as well when nobody answers there.
        caps: what both devices can, once the other one has answered.
        told: what it was told of legs that we joined, as a gateway.
        notice: what it told us, as a gateway.
    """

    def __init__(
        self, *, role: Role, device: Device, mailbox: Mailbox, to: Address
    ) -> None:
        self.role = role
        self.device = device.device_id
        self.mailbox = mailbox
        self.to = to
        self.trust: DeviceTrust = device.trust
        self.delivery = Delivery()
        self.call_secret = b""
        self.openings: tuple[Opening, Opening] | None = None
        self.sas: bytes | None = None
        self.invites: tuple[Address, ...] = ()
        self.last_resort: Address | None = None
        self.caps = 0
        self.told = Told()
        self.notice = Notice()
        self.opening = b""
        """INVITE or RINGING: what we said first, for saying it again."""
        self._secrets = device.trust.slots.secrets
        self._matched: bytes | None = None
        self._keys: SessionKeys | None = None
        self._send_key = self._receive_key = self._retained = b""
        self._invited: Invited | None = None  # until RINGING
        self._nonce_a = self._nonce_b = self._e_a = self._commitment = b""
        self._ts_ms = 0
        self._nbf = 0

    def __repr__(self) -> str:
        return f"Leg({self.role.name.lower()}, {self.device.hex()})"

    @classmethod
    def dial(  # noqa: PLR0913 -- everything an INVITE is made of
        cls,
        device: Device,
        bundle: Bundle,
        *,
        invites: tuple[Address, ...],
        last_resort: Address | None = None,
        mailbox: Mailbox,
        call_key: CallKey,
        offer: Offer,
        entropy: Entropy,
        encapsulate: Encapsulate,
    ) -> "Leg":
        """Make the INVITE for one device of a contact; `bundle` was checked.

        Raises:
            HandshakeError: the device's keys are bad ones.
        """
        leg = cls(role=Role.CALLER, device=device, mailbox=mailbox, to=invites[0])
        leg._invited = create_invite(
            call_key,
            bundle,
            replace(offer, tag=mailbox_tag(mailbox.fetch)),
            secrets=leg._secrets,
            entropy=entropy,
            encapsulate=encapsulate,
        )
        leg._nonce_a, leg._e_a = leg._invited.nonce_a, leg._invited.e_a
        leg._nbf = bundle.certificate.nbf
        leg.invites = invites
        leg.last_resort = last_resort
        leg.opening = leg._invited.blob
        return leg

    @classmethod
    def answer(  # noqa: PLR0913 -- everything a RINGING is made of
        cls,
        device: Device,
        received: Received,
        answer: Answer,
        *,
        mailbox: Mailbox,
        now: int,
        entropy: Entropy,
        encapsulate: Encapsulate,
    ) -> "Leg":
        """Make the RINGING for an INVITE that was judged worth it.

        Raises:
            HandshakeError: the caller's ephemeral keys are bad ones.
        """
        to = Address(received.offer.tag, received.certificate.identity, mailbox.relay)
        leg = cls(role=Role.CALLEE, device=device, mailbox=mailbox, to=to)
        leg._matched = received.match(leg._secrets)
        leg.trust = judge(device.trust, leg._matched, now)
        ringing = create_ringing(
            received,
            replace(answer, tag=mailbox_tag(mailbox.fetch)),
            secret=leg._matched,
            entropy=entropy,
            encapsulate=encapsulate,
        )
        leg.caps = answer.caps
        leg._e_a, leg._commitment = received.e_a, received.commitment
        leg._ts_ms = received.offer.ts_ms
        leg._nbf = received.certificate.nbf
        leg._nonce_b = ringing.nonce_b
        leg.opening = ringing.blob
        leg._take_keys(ringing.keys)
        return leg

    @property
    def has_keys(self) -> bool:
        """Whether the handshake is over, so that anything can be sealed."""
        return bool(self._send_key)

    @property
    def can_be_told(self) -> bool:
        """Whether the other device knows what a gateway's legs are, and shows them."""
        return bool(self.caps & CAP_LEGS)

    @property
    def e_a(self) -> bytes:
        """The caller's ephemeral key (32 bytes), which names this handshake."""
        return self._e_a

    @property
    def answered_ts_ms(self) -> int:
        """The time stamp of the INVITE that we answered; 0 if we dialled."""
        return self._ts_ms

    @property
    def retained(self) -> bytes:
        """The secret (64 bytes) that this call leaves with both devices."""
        return self._retained

    def forget_call_secret(self) -> None:
        """Drop S_0 once the media has it: it goes with its epoch, not with the call."""
        self.call_secret, self.openings = b"", None

    def receive_ringing(self, blob: bytes, *, now: int) -> Answer:
        """Caller: take the answer of the device; a forged one changes nothing.

        Raises:
            HandshakeError: it does not open, or this leg had its answer.
        """
        if self._invited is None:
            raise HandshakeError("ringing: none is waited for")
        answered = consume_ringing(self._invited, blob, secrets=self._secrets)
        self._matched = answered.matched
        self.caps = answered.answer.caps
        self.trust = judge(self.trust, self._matched, now)
        self._take_keys(answered.keys)
        self.to = replace(self.to, tag=answered.answer.tag)
        self._settle_words(self._nonce_a, answered.nonce_b)
        # With the private halves of the handshake, who reads our memory later could
        # make the keys of this call again.
        self._invited = None
        return answered.answer

    def confirm(self) -> Confirm:
        """Caller: open the commitment, which proves that we are live."""
        return Confirm(self._nonce_a)

    def check_confirm(self, message: Confirm) -> None:
        """Callee: check that CONFIRM opens what INVITE committed to.

        Raises:
            TrustError: it does not; whoever sent it wants to choose the words.
        """
        check_commitment(self._commitment, message.nonce_a, self._e_a)
        self._settle_words(message.nonce_a, self._nonce_b)

    def judged(self, device: Device, now: int) -> Device:
        """Give the device's entry after the judgement by its retained secret."""
        return replace(device, trust=judge(device.trust, self._matched, now))

    def committed(self, device: Device, now: int) -> Device:
        """Give the device's entry with the secret of this call.

        The callee keeps it when CONFIRM verified and before ALERTING leaves; the
        caller at the first verified message after its CONFIRM, before acknowledging.
        """
        judged = self.judged(device, now)
        if judged.trust.trust.state is not TrustState.BROKEN:
            # A thief of the identity must not make the true device look rolled back.
            newest_nbf = max(judged.newest_nbf, self._nbf)
            judged = replace(judged, newest_nbf=newest_nbf)
        if self.role is Role.CALLER:
            return replace(judged, trust=commit_caller(judged.trust, self._retained))
        return replace(
            judged,
            trust=commit_callee(judged.trust, self._retained, self._matched),
            last_ts_ms=max(judged.last_ts_ms, self._ts_ms),
        )

    def seal(self, ctl: bytes, entropy: Entropy) -> bytes:
        """Seal a control message into a blob of 4096 bytes."""
        return seal_blob(self._send_key, ctl, entropy=entropy)

    def open(self, blob: bytes) -> bytes:
        """Open a control message.

        Raises:
            MalformedError: it is not from the other side of this leg.
        """
        return open_blob(self._receive_key, blob)

    def _take_keys(self, keys: SessionKeys) -> None:
        self._keys = keys
        self._send_key = keys.signal(self.role)
        self._receive_key = keys.signal(1 - self.role)
        self._retained = keys.retained
        self.call_secret = keys.call_secret
        self.openings = keys.opening(self.role), keys.opening(1 - self.role)

    def _settle_words(self, nonce_a: bytes, nonce_b: bytes) -> None:
        assert self._keys is not None
        self.sas = self._keys.sas(nonce_a, nonce_b)
        self._keys = None  # nothing else comes from the master secret
