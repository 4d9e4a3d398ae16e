"""One telephone call: what is done with it, what it says, and its sound.

Carrier. What an event means, and what may pass, is `voip.gateway.sip.call`'s to say;
the worker's beat of 20 ms is the only clock: each frame of sound that comes from it is
answered by one, so there is no second clock that could drift from it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from voip.errors import MalformedError, UnexpectedEventError
from voip.gateway.counts import FrameCount
from voip.gateway.sip.account import parse_uri
from voip.gateway.sip.call import (
    CallOver,
    EarlyMedia,
    Happened,
    Held,
    Pressed,
    Referred,
    Secured,
    SipCall,
)
from voip.gateway.sip.frames import (
    PICTURE_SIZE,
    Command,
    Event,
    Order,
    Shown,
    Sound,
    format_command,
    format_shown,
    format_sound,
)
from voip.gateway.sip.ringback import Ringback
from voip.gateway.sip.sound import Widened
from voip.media.i420 import frame_of, picture_of
from voip.media.plan import MediaPlan
from voip.media.sources import FRAME_SAMPLES, DrivenSink
from voip.signalling.legs import TOUCH_TONES, LegReason, Mark

MAX_HAPPENED = 64
"""That nobody reads: of more, what a stranger can do all day is dropped. All else must
be heard of, or sound would pass under a mark that nobody was told: that ends the call.
"""

END_S = 5.0
"""Within which the worker says that a call is over: its stack does so at once, and who
hangs up does not wait for one that hangs."""
_UNANSWERED = CallOver(LegReason.LOST, 0, "the SIP worker does not answer")

_MARKED = (Secured, EarlyMedia)
_DROPPED = (Pressed, Held, Referred)


@dataclass(frozen=True, slots=True)
class Replaced:
    """Another call takes the place of this one, once it is answered."""

    leg: "SipLeg"


class SipLeg:
    """One telephone call; made by `SipLine`.

    Attributes:
        peer: who it is, as dialled; of a call that came, as they say: escape it.
        is_incoming: whether they called.
        mark: how weak it is; the expected one until it is `Secured`.
        referred_to: whom we are about to call instead, as they asked; as `peer`,
            theirs. Empty again once that call is there.
    """

    def __init__(  # noqa: PLR0913 -- what a leg is made of
        self,
        number: int,
        rules: SipCall,
        *,
        peer: str,
        is_incoming: bool,
        mark: Mark,
        send: Callable[[bytes], None],
        spare: Callable[[bytes], None],
        over: Callable[[int], None],
        heard: FrameCount,
        said: FrameCount,
    ) -> None:
        self.peer = peer
        self.is_incoming = is_incoming
        self.mark = mark
        self.referred_to = ""
        self._number = number
        self._rules = rules
        self._send, self._spare = send, spare
        self._over = over
        self._loop = asyncio.get_running_loop()
        self._happened: asyncio.Queue[Happened | Replaced] = asyncio.Queue()
        self._heard_count, self._said_count = heard, said
        self._widened = Widened()
        self._ringback = Ringback()
        self._has_begun = False  # whether any sound of theirs came
        self._plan: MediaPlan | None = None
        self._sample = 0
        self._is_held = False
        self._untold = 0  # marks that whoever follows the call has not heard of
        self._replacement: SipLeg | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._pictures: asyncio.Task[None] | None = None
        self._over_now = asyncio.Event()
        self._wake()

    @property
    def is_safe(self) -> bool:
        """Whether its keys let anything pass."""
        return self._rules.is_safe

    def carry(self, plan: MediaPlan) -> None:
        """Join these ends to the telephone from now on; the leg closes them.

        Raises:
            UnexpectedEventError: it has ends already, or the speaker has a clock of its
                own: attach it to a `Bridge`, and give a port's plan.
        """
        if self._plan is not None or isinstance(plan.audio_sink, DrivenSink):
            raise UnexpectedEventError("a telephone takes the plan of one bridge port")
        self._plan = plan
        self._source, self._sink = plan.audio_source, plan.audio_sink
        if plan.video_source is not None:
            self._pictures = self._loop.create_task(self._show(plan))
        if self._over_now.is_set():
            self._close()

    async def happenings(self) -> AsyncIterator[Happened | Replaced]:
        """Give what happens, one after the other, the end last."""
        while True:
            happened = await self._happened.get()
            if isinstance(happened, Replaced):
                self._replacement = None
            yield happened
            # They were told of the mark by now; before, nothing may pass under it.
            self._untold -= isinstance(happened, _MARKED)
            if isinstance(happened, CallOver):
                return

    async def finished(self) -> None:
        """Wait until the call is over."""
        await self._over_now.wait()

    def answer(self, *, video: bool = False) -> None:
        """Take a call that came."""
        self._order(Order.ANSWER, on=video)

    def end(self) -> None:
        """Hang up, or do not take it; `CallOver` follows, in 5 s at the latest."""
        if self._replacement is not None:  # nobody has heard of it
            self._replacement.end()
        self._order(Order.END)
        if self._ending is None and not self._over_now.is_set():
            self._ending = self._loop.call_later(END_S, self._happen, _UNANSWERED)

    def hold(self, *, on: bool) -> None:
        """Put them on hold, or take them off; nothing passes meanwhile, either way.

        Shut here and at once: whatever they and the stack agree on, and some telephones
        go on sending.
        """
        self._is_held = on
        self._order(Order.HOLD, on=on)

    def press(self, digits: str) -> None:
        """Send touch tones.

        Raises:
            MalformedError: another character than 0-9, A-D, * and #, or none.
        """
        if not digits or not TOUCH_TONES.issuperset(digits):
            raise MalformedError(
                f"touch tones: expected out of 0-9, A-D, * and #, came {digits!r}"
            )
        self._order(Order.DIGITS, digits)

    def transfer(self, uri: str) -> None:
        """Ask them to call somebody else; if they do, this call ends.

        Raises:
            MalformedError: what `parse_uri` raises.
        """
        self._order(Order.TRANSFER, parse_uri(uri))

    def refer(self, uri: str, *, accept: bool) -> None:
        """Call whom they named with `Referred`, or refuse to: 603.

        Who named another meanwhile is refused, too. The stack has told them 202 before
        anybody was asked; what becomes of it is in the NOTIFY (RFC 3515 §2.4.4).
        """
        if accept:
            self.referred_to = uri
        self._order(Order.REFER, uri, on=accept)

    # For the line.

    def tell(self, event: Event) -> None:
        """Take what the worker says of this call."""
        self._carry_out(self._rules.receive(event, self._loop.time()))

    def hear(self, sound: Sound) -> bytes | None:
        """Take 20 ms from the worker; gives 20 ms for it, or None if none may pass."""
        if self._plan is None:
            return None
        ours = self._source.read()  # read while shut, too, or it would be late after
        rules = self._rules
        if self._is_held or self._untold or not rules.may_hear:
            if rules.is_ringing:
                self._sink.write(self._ringback.take())
            else:
                self._heard_count.dropped += 1
            return None
        if not (rules.is_safe or self._has_begun or sound.pcm):
            # RFC 3960 §3.2: until their first packet there is nothing to hear.
            self._sink.write(self._ringback.take())
            return None
        self._has_begun = True
        self._sink.write(self._widened.take(sound.pcm))
        self._heard_count.passed += 1
        if not rules.is_safe:  # nobody has answered: what is played may be heard
            return None
        self._said_count.passed += 1
        self._sample += FRAME_SAMPLES
        return format_sound(self._number, self._sample, ours)

    def see(self, shown: Shown) -> None:
        """Take a picture from the worker."""
        plan = self._plan
        if plan is None or plan.video_sink is None or not self._may_show:
            return
        plan.video_sink.show(shown.picture)

    def replace(self, leg: "SipLeg") -> None:
        """Tell that this one takes its place, or end that one if nobody would hear."""
        self.referred_to = ""
        if self._over_now.is_set() or self._is_full:
            leg.end()
            return
        self._replacement = leg
        self._happen(Replaced(leg))

    def lose(self) -> None:
        """End it, for the worker is gone."""
        self._happen(CallOver(LegReason.LOST, 0, "the SIP worker ended"))

    @property
    def _is_full(self) -> bool:
        return self._happened.qsize() >= MAX_HAPPENED

    @property
    def _may_show(self) -> bool:
        return self._rules.may_show and not (self._is_held or self._untold)

    def _order(self, order: Order, text: str = "", *, on: bool = False) -> None:
        if not self._over_now.is_set():
            self._send(format_command(Command(order, self._number, text, on)))

    def _carry_out(self, results: list[Happened | Command]) -> None:
        for each in results:
            if isinstance(each, Command):
                self._send(format_command(each))
            else:
                self._happen(each)
        self._wake()

    def _happen(self, happened: Happened | Replaced) -> None:
        if self._over_now.is_set():
            return
        if self._is_full and not isinstance(happened, CallOver):
            if isinstance(happened, _DROPPED):
                return
            self.end()
            happened = CallOver(LegReason.SECURITY, 0, "nobody follows the call")
        if isinstance(happened, Secured):
            self.mark = happened.mark
        if isinstance(happened, CallOver):
            self._over_now.set()
            self._close()
            self._over(self._number)
        self._untold += isinstance(happened, _MARKED)
        self._happened.put_nowait(happened)

    def _wake(self) -> None:
        """Be asked again when the rules want to be."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._rules.deadline is not None and not self._over_now.is_set():
            self._timer = self._loop.call_at(self._rules.deadline, self._wait)

    def _wait(self) -> None:
        self._carry_out(self._rules.wait(self._loop.time()))

    def _close(self) -> None:
        for timer in (self._timer, self._ending):
            if timer is not None:
                timer.cancel()
        if self._pictures is not None:
            self._pictures.cancel()
        if self._plan is not None:
            self._plan.close()
            self._plan = None

    async def _show(self, plan: MediaPlan) -> None:
        assert plan.video_source is not None
        while True:
            picture = await plan.video_source.picture()
            if not self._may_show:
                continue
            if (picture.width, picture.height) != PICTURE_SIZE:
                # Bars of black rather than a face of other proportions.
                picture = picture_of(frame_of(picture), *PICTURE_SIZE)
            self._spare(format_shown(self._number, 0, picture))
