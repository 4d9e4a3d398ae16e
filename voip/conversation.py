"""A call as its user holds it: what happens, and what can be done about it."""

from collections.abc import AsyncIterator, Callable

from voip import events as ev
from voip.asides import Aside
from voip.call import State
from voip.description import Kind
from voip.errors import MissingError, UnexpectedEventError
from voip.handshake.payload import Media
from voip.identity.trust import Trust
from voip.identity.words import Choices, word_choices, words
from voip.line import Line
from voip.media.plan import MediaPlan
from voip.media.quality.figures import MediaStats
from voip.media.sources import Recorder, VideoSource
from voip.news import Ended, News
from voip.notice import NOTHING
from voip.session import Session
from voip.signalling.legs import Legs


class Conversation:
    """One call with one person, outgoing or incoming.

    Attributes:
        alias: our name for them.
        is_outgoing: whether we dialled.
    """

    def __init__(self, session: Session, *, alias: str, is_outgoing: bool) -> None:
        self.alias = alias
        self.is_outgoing = is_outgoing
        self._session = session

    @property
    def call_id(self) -> bytes:
        """16 bytes; the same on both sides and in the call log."""
        return self._session.log.record.call_id

    @property
    def identity(self) -> bytes:
        """The other side's identity key, 32 bytes."""
        return self._session.identity

    @property
    def device(self) -> bytes | None:
        """The other side's device, 16 bytes; None while several may take the call."""
        leg = self._session.leg
        return leg.device if leg is not None else None

    @property
    def state(self) -> State:
        """Where the call stands."""
        return self._session.call.state

    @property
    def end(self) -> ev.End | None:
        """How it ended; None before."""
        return self._session.call.end

    @property
    def trust(self) -> Trust | None:
        """How far the other device is trusted; None before one answered."""
        leg = self._session.leg
        return leg.trust.trust if leg is not None else None

    @property
    def words(self) -> tuple[str, str, str] | None:
        """The words of the call; None before both sides proved to be live."""
        leg = self._session.leg
        return words(leg.sas) if leg is not None and leg.sas is not None else None

    @property
    def stats(self) -> MediaStats | None:
        """Counts of the media; None before and after there is any."""
        line = self._session.line
        return line.media.stats() if line is not None else None

    @property
    def media_asked(self) -> Media:
        """What the INVITE asked for, theirs or ours."""
        return self._session.media_asked

    @property
    def group(self) -> bytes | None:
        """The room that this call is a part of (16 bytes), as the caller said."""
        return self._session.group

    @property
    def can_be_told(self) -> bool:
        """Whether the other device can be told of a gateway's legs.

        A gateway joins nobody to a call with one that cannot.
        """
        leg = self._session.leg
        return leg is not None and leg.can_be_told

    @property
    def is_recording(self) -> bool:
        """Whether we record, or have told the other side that we are about to."""
        line = self._session.line
        return line is not None and line.shown.recording

    async def news(self) -> AsyncIterator[News]:
        """Give what happens, one after the other, the end last."""
        while True:
            news = await self._session.bulletin.next()
            yield news
            if isinstance(news, Ended):
                return

    async def finished(self) -> None:
        """Wait until the call is over and the other side knows, or 5 s after."""
        await self._session.finished.wait()

    def accept(
        self,
        *,
        video: bool = False,
        muted: bool = False,
        plan: Callable[[], MediaPlan] | None = None,
        agree: bool = True,
    ) -> None:
        """Take the call, and agree to the legs that were shown while it rang.

        Args:
            video: also show our picture.
            muted: begin in silence.
            plan: opens what this call hears and shows with, in place of the endpoint's.
            agree: nobody has shown the legs, so they wait for `answer_legs`, if False.

        Raises:
            UnexpectedEventError: it is not ringing.
        """
        if plan is not None:
            self._session.plan = plan
        self._session.wants_video = video
        self._session.wants_muted = muted
        self._session.feed(ev.UserAccepted())
        if agree:
            self._session.gate.consent()

    def decline(self) -> None:
        """Refuse the call, on all our devices.

        Raises:
            UnexpectedEventError: it is not ringing.
        """
        self._session.feed(ev.UserDeclined())

    def hang_up(self) -> None:
        """End the call, or give up calling; nothing if it is over."""
        if self.state is not State.ENDED:
            self._session.feed(ev.UserHungUp())

    def set_muted(self, *, on: bool) -> None:
        """Send silence, or what the microphone hears."""
        self._line.shown.muted = on
        self._show()

    def set_held(self, *, on: bool) -> None:
        """Put the other side on hold, or take it off."""
        self._line.shown.held = on
        self._show()

    def set_video(self, *, on: bool) -> None:
        """Show our picture, or stop; nothing while there is no camera."""
        self._line.shown.video = on
        self._show()

    def set_screen(self, *, on: bool) -> None:
        """Show our screen, or stop; nothing while there is no source of it."""
        self._line.shown.screen = on
        self._show()

    def use_camera(self, source: VideoSource) -> None:
        """Show this, whenever video is on; the call closes it in the end.

        Raises:
            MissingError: the call is not connected, or one of the sides said at its
                beginning that it takes no part in pictures.
        """
        self._line.media.use_pictures(Kind.VIDEO, source)

    def use_screen(self, source: VideoSource) -> None:
        """Show this, whenever the screen is on; raises what `use_camera` raises."""
        self._line.media.use_pictures(Kind.SCREEN, source)

    def press(self, digits: str) -> None:
        """Send touch tones, out of 0-9, A-D, * and #; an observer sees no difference.

        Raises:
            MissingError: the call is not connected.
            MalformedError: another character.
            LimitError: too many wait.
        """
        self._line.media.tone(digits)

    async def record(self, begin: Callable[[], Recorder]) -> None:
        """Record both sides; the other side is told first, and must acknowledge.

        Args:
            begin: opens the file, called once the other side's device knows.

        Raises:
            MissingError: the call is not connected, or nothing was acknowledged in 5 s.
            UnexpectedEventError: it is being recorded already.
        """
        await self._session.recording.begin(begin)

    def stop_recording(self) -> None:
        """Finish the recording, if there is one, and say so to the other side."""
        self._session.recording.stop()

    def rekey(self) -> None:
        """Move to fresh keys now; both sides do so by themselves every 120 s."""
        self._line.rekey()
        self._session.wake()

    def choices(self) -> Choices:
        """Four sets of words, one of them ours: which does the other side read?

        Raises:
            UnexpectedEventError: there are no words yet.
        """
        leg = self._session.leg
        if leg is None or leg.sas is None:
            raise UnexpectedEventError("there are no words yet")
        return word_choices(leg.sas, self._session.entropy)

    async def compared(self, *, matched: bool) -> None:
        """Say whether the other side reads our words: verified, or broken.

        Raises:
            UnexpectedEventError: there are no words yet.
        """
        await self._session.compared(matched=matched)

    def speak_anyway(self) -> None:
        """Open the microphone although the trust is broken, for this call only."""
        self._session.speak_anyway()

    def send_text(self, text: str) -> None:
        """Send a line of text; raises what `MediaSession.send_text` raises."""
        self._line.media.send_text(text)

    def send_file(self, name: str, data: bytes) -> None:
        """Send a file of at most 1 MiB; raises what `send_text` raises."""
        self._line.media.send_file(name, data)

    def send_frame(self, frame: bytes) -> None:
        """Send 1-4000 bytes to the program at the other side, for its `frames`.

        Whatever a frame says, an observer sees nothing of it: it leaves with the
        records that flow anyway, 633 bytes a second. They arrive in order, each once;
        a program that does not ask for frames never hears of them.

        Raises:
            MissingError: the call is not connected.
            MalformedError: of another size.
            LimitError: 32 wait already.
        """
        if not self._session.is_up:
            raise MissingError("the call is not connected")
        self._session.frames.put(frame)
        self._session.wake()

    def frames(self) -> AsyncIterator[bytes]:
        """Give the frames that come from now on, for one reader, until the call ends.

        The other side chooses what is in them. It can send no faster than a call
        carries; if 16 are unread, the reading ends.
        """
        return self._session.frames.read()

    def say(self, message: Aside) -> int:
        """Say something to the program at the other side, for its `heard`.

        It goes by mailbox before there is sound, where a relay can count it, and by
        record from then on. A list of legs (`Legs`) is kept, and told to each device
        that answers; while it names one that passes sound, and the device has not
        shown it yet, nothing passes between the two sides.

        Gives the number of the message, for `has_taken`; of a list of legs, 0.

        Raises:
            MissingError: no device has answered yet, or the call is over; or by hand.
            RefusedError: a device that cannot be told of legs.
            UnexpectedEventError: a list of legs that is not newer than the last.
            LimitError: 64 wait for an acknowledgement.
        """
        return self._session.say(message)

    def has_taken(self, number: int) -> bool:
        """Whether the device we talk with acknowledged what `say` gave this number."""
        return self._session.has_taken(number)

    def heard(self) -> AsyncIterator[Aside]:
        """Give what the program at the other side says, until the call ends.

        For one reader; nothing comes before the other side proved to be live. Lists of
        legs, and answers to ours, have been acted upon already.

        Raises:
            LimitError: 64 were unread and one more came, from the iterator; no more do.
        """
        return self._session.asides.read()

    @property
    def asks_about_legs(self) -> bool:
        """Whether legs of theirs wait for our user's answer."""
        leg = self._session.leg
        return leg is not None and leg.notice.asks

    @property
    def legs(self) -> Legs:
        """Those of a gateway of theirs, by their newest list; news may be older."""
        leg = self._session.leg
        return NOTHING if leg is None else leg.notice.legs

    def answer_legs(self, *, accept: bool) -> None:
        """Agree to the legs that the other side announced, or refuse them.

        Raises:
            UnexpectedEventError: none waits for an answer.
        """
        self._session.answer_legs(accept=accept)

    @property
    def _line(self) -> Line:
        if self._session.line is None:
            raise MissingError("the call is not connected")
        return self._session.line

    def _show(self) -> None:
        self._line.show()
        self._session.wake()
