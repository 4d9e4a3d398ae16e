"""What is known of the keys of one call's sound and pictures.

Rules. The stack tells of the keys of each stream in words that depend on how they were
agreed on. With SDES it tells anew after each description of theirs, and only what came
after the latest counts; DTLS goes on through a change of media, and its keys with it.
"""

from voip.gateway.sip.account import SipAccount
from voip.gateway.sip.mark import DTLS_SUITE, mark_with
from voip.gateway.sip.statements import Keying
from voip.signalling.legs import Mark


class StreamKeys:
    """The suites that the stack told of.

    Attributes:
        sound: of the sound; None until it is known, empty in a call without keys.
        pictures: of the pictures; likewise.
    """

    def __init__(self, account: SipAccount) -> None:
        """Begin with nothing known; of a call without keys all is."""
        self.sound: str | None = None
        self.pictures: str | None = None
        self._account = account
        self._is_plain = account.keying is Keying.NONE
        self.describe()

    def describe(self) -> None:
        """Take that the other side described its media: with SDES, with other keys."""
        if self._account.keying is not Keying.DTLS:
            self.sound = self.pictures = "" if self._is_plain else None

    def learn(self, text: str) -> bool:
        """Read `STREAM,KIND,WHAT` of the stack; gives whether it was about the sound.

        With SDES `WHAT` is the suite. With DTLS it is the component, RTP or RTCP, and
        what is missing there is the suite and not the encryption.
        """
        _, _, rest = text.partition(",")
        kind, _, what = rest.partition(",")
        if self._is_plain or kind not in {"audio", "video"}:
            return False
        if self._account.keying is Keying.DTLS:
            if what != "RTP":
                return False
            what = DTLS_SUITE
        if kind == "audio":
            self.sound = what
        else:
            self.pictures = what
        return kind == "audio"

    @property
    def mark(self) -> Mark:
        """How weak the sound is; without a word of the stack, not encrypted."""
        return mark_with(self._account, self.sound or "")

    @property
    def are_pictures_as_good(self) -> bool:
        """Whether pictures are no weaker than the sound, which the leg is told by."""
        if self.pictures is None:
            return False
        return mark_with(self._account, self.pictures) <= self.mark
