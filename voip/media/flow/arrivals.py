"""What came from the other side, and the reports about it, on a fixed beat.

Pure. A report's time and size follow from which streams there are, for pictures also
from a coarse step of their packet rate; nothing said or shown changes them.
"""

from enum import Enum

from voip.media.flow.moments import Moment
from voip.media.flow.report import (
    MISSING,
    TICKS_PER_S,
    UNTIMED,
    Arrivals,
    Block,
    Compound,
    Feedback,
    PictureLoss,
    format_compound,
    format_feedback,
    format_nothing,
    format_picture_loss,
)

FEEDBACK_S = 0.2
"""While only sound comes: every tenth packet of it."""
FAST_FEEDBACK_S = 0.1
"""While pictures come."""
PAUSED_S = 2.0
"""A stream without a packet for so long is reported no more; sound never pauses."""
COMPOUND_S = 5.0  # RFC 3550 §6.2
FIRST_COMPOUND_S = 0.2
"""Early, because pictures are timed against sound by the first one."""
OVERLAP = 16  # packets that a second report holds again, should the first be lost
STEP = 32  # so that the size tells only a coarse step of the packet rate
MAX_REPORTED = 192  # 15 Mbit/s, and two such streams fit a report

_HELD = 1024  # a power of two, at least `MAX_REPORTED`
_MASK = _HELD - 1
_NEVER = -1.0


class Window(Enum):
    """Which sequence numbers a report of one stream holds."""

    PICTURES = 0
    """From `OVERLAP` before the last report to the newest, rounded up to `STEP`."""
    SOUND = 24
    """The newest 24: with a report every 200 ms each number is in two to four."""
    REPAIRS = 16
    """The newest 16."""
    STEADY = 64
    """The newest 64."""


_SHOWN = {Window.PICTURES, Window.STEADY}


class Arrived:
    """What came of one stream: the last 1024 packets, and sums since the beginning.

    Attributes:
        newest_at: when the newest packet came; None before the first.
        moment: what its sender said last of its count of time; None before.
    """

    def __init__(self, ssrc: int, window: Window, clock_rate: int) -> None:
        """Take the stream's SSRC and the ticks of its RTP clock in a second."""
        self.ssrc = ssrc
        self.window = window
        self.newest_at: float | None = None
        self.moment: Moment | None = None
        self._rate = clock_rate
        self._at = [_NEVER] * _HELD
        self._base = self._highest = 0
        self._received = 0
        self._reported = 0
        self._jitter = 0.0
        self._timestamp = 0
        self._told = (0, 0)  # expected and received at the last compound
        self._sender_at = 0.0

    def note(self, sequence: int, timestamp: int, now: float) -> None:
        """Take note of a packet; called for each, so it does little."""
        before = self.newest_at
        if before is None:
            self._base = self._highest = self._reported = sequence
        else:
            ahead = (sequence - self._highest) & 0xFFFF
            if ahead == 1:
                self._highest += 1
            elif ahead < 0x8000:
                self._skip(ahead)
            else:
                self._came_late(0x10000 - ahead, now)
                return
            # RFC 3550 §A.8; late packets are left out, for which it has no use.
            ticks = (timestamp - self._timestamp) & 0xFFFFFFFF
            change = abs((now - before) * self._rate - ticks)
            self._jitter += (change - self._jitter) / 16
        self._at[self._highest & _MASK] = now
        self._received += 1
        self._timestamp = timestamp
        self.newest_at = now

    def heard_sender(self, moment: Moment, now: float) -> None:
        """Take note of what a sender report says, so that ours can name it."""
        self.moment = moment
        self._sender_at = now

    def arrivals(self, now: float) -> Arrivals:
        """Say what came, as a CCFB has it."""
        count = self.window.value
        if not count:
            # Numbers before the first that came are told as missing; whoever did not
            # send them knows better.
            span = self._highest - self._reported + OVERLAP
            count = min(-(-span // STEP) * STEP, MAX_REPORTED)
        begin = self._highest - count + 1
        self._reported = self._highest
        at = self._at
        offsets = [
            MISSING
            if (came := at[number & _MASK]) == _NEVER
            else min(int((now - came) * TICKS_PER_S + 0.5), UNTIMED)
            for number in range(begin, self._highest + 1)
        ]
        return Arrivals(self.ssrc, begin & 0xFFFF, tuple(offsets))

    def block(self, now: float) -> Block:
        """Say how much came, as a report block has it (RFC 3550 §A.3)."""
        expected = self._highest - self._base + 1
        told_expected, told_received = self._told
        self._told = (expected, self._received)
        due = expected - told_expected
        lost = due - (self._received - told_received)
        share = min(max(lost, 0) * 256 // due, 255) if due else 0
        named = self.moment.clock >> 16 & 0xFFFFFFFF if self.moment else 0
        since = int((now - self._sender_at) * 65536) if named else 0
        return Block(
            ssrc=self.ssrc,
            lost_share=share,
            lost=max(-0x800000, min(expected - self._received, 0x7FFFFF)),
            highest=self._highest & 0xFFFFFFFF,
            jitter=min(int(self._jitter), 0xFFFFFFFF),
            last_report=named,
            delay=min(since, 0xFFFFFFFF),
        )

    def _skip(self, ahead: int) -> None:
        """Move on by more than one; what lies between has not come, or not yet."""
        for gone in range(1, min(ahead, _HELD + 1)):
            self._at[(self._highest + gone) & _MASK] = _NEVER
        self._highest += ahead

    def _came_late(self, behind: int, now: float) -> None:
        self._received += 1
        if behind < _HELD:
            self._at[(self._highest - behind) & _MASK] = now


class Departed:
    """What left of one stream, as a sender report has it."""

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        """Take the stream's SSRC and the ticks of its RTP clock in a second."""
        self.ssrc = ssrc
        self.packets = 0
        self._rate = clock_rate
        self._octets = 0
        self._timestamp = 0
        self._at = 0.0
        self._is_told = True

    def note(self, octets: int, timestamp: int, now: float) -> None:
        """Take note of a packet that leaves `now`."""
        self.packets += 1
        self._octets += octets
        # When its sample or picture was taken, the packet tells best that waited the
        # least since: those of a whole picture leave one after the other.
        ticks = (timestamp - self._timestamp + 0x80000000) % 0x100000000 - 0x80000000
        if self._is_told or ticks >= (now - self._at) * self._rate:
            self._timestamp, self._at, self._is_told = timestamp, now, False

    def report(self, clock: int, blocks: tuple[Block, ...], now: float) -> Compound:
        """Say what left."""
        self._is_told = True
        ticks = int((now - self._at) * self._rate)
        return Compound(
            self.ssrc,
            blocks,
            clock=clock,
            timestamp=(self._timestamp + ticks) & 0xFFFFFFFF,
            packets=self.packets & 0xFFFFFFFF,
            octets=self._octets & 0xFFFFFFFF,
        )


class Reporter:
    """The RTCP that a side sends on its own: nothing else about it has a clock."""

    def __init__(self, sender: int, now: float, *, offset_s: float) -> None:
        """Report as SSRC `sender` from `now` on, with a random offset of the clock."""
        self._sender = sender
        self._offset = offset_s
        self._arrived: dict[int, Arrived] = {}
        self._departed: dict[int, Departed] = {}
        self._wanted: set[int] = set()
        self._feedback_at = now + FEEDBACK_S
        self._compound_at = now + FIRST_COMPOUND_S

    def expect(self, ssrc: int, window: Window, clock_rate: int) -> Arrived:
        """Report on a stream from now on; its `note` is for each packet of it.

        A stream appears in reports once a packet of it came.
        """
        stream = self._arrived[ssrc] = Arrived(ssrc, window, clock_rate)
        return stream

    def send(self, ssrc: int, clock_rate: int) -> Departed:
        """Report what we send from now on; its `note` is for each packet of it."""
        stream = self._departed[ssrc] = Departed(ssrc, clock_rate)
        return stream

    def forget(self, ssrc: int) -> None:
        """Report no longer on a stream that was expected or sent."""
        self._arrived.pop(ssrc, None)
        self._departed.pop(ssrc, None)

    def heard(self, report: Compound, now: float) -> None:
        """Take note of the other side's report, so that ours can name it."""
        stream = self._arrived.get(report.sender)
        if stream is not None and report.clock is not None:
            stream.heard_sender(Moment(report.clock, report.timestamp), now)

    def want_picture(self, ssrc: int) -> None:
        """Ask for a key frame of a steady stream with the next feedback."""
        self._wanted.add(ssrc)

    def due(self, now: float, *, slow: bool = False) -> list[bytes]:
        """Give the RTCP packets that are to be sealed and sent now, mostly none.

        Call it every 20 ms. `slow` asks for feedback at the pace of a call without
        pictures, for a path that has no room for more.
        """
        packets: list[bytes] = []
        if now < self._feedback_at and now < self._compound_at:
            return packets
        come = [each for each in self._arrived.values() if each.newest_at is not None]
        if now >= self._feedback_at:
            flow = [each for each in come if _flows(each, now)]
            fast = not slow and any(each.window in _SHOWN for each in flow)
            beat = FAST_FEEDBACK_S if fast else FEEDBACK_S
            self._feedback_at = max(self._feedback_at + beat, now)
            if flow:
                packets.append(self._feedback(flow, now))
        if now >= self._compound_at:
            self._compound_at = max(self._compound_at + COMPOUND_S, now)
            packets.append(self._compound(come, now))
        return packets

    def _feedback(self, flow: list[Arrived], now: float) -> bytes:
        arrivals = tuple([each.arrivals(now) for each in flow])
        clock = int((now + self._offset) * 65536) & 0xFFFFFFFF
        parts = [format_feedback(Feedback(self._sender, arrivals, clock))]
        for each in flow:
            if each.window is Window.STEADY:
                # Each time, so that asking for a picture does not show.
                parts.append(
                    format_picture_loss(PictureLoss(self._sender, each.ssrc))
                    if each.ssrc in self._wanted
                    else format_nothing(self._sender, each.ssrc)
                )
                self._wanted.discard(each.ssrc)
        return b"".join(parts)

    def _compound(self, come: list[Arrived], now: float) -> bytes:
        blocks = tuple([each.block(now) for each in come])
        clock = int((now + self._offset) * 2**32) & 0xFFFFFFFFFFFFFFFF
        reports = [
            each.report(clock, (), now)
            for each in self._departed.values()
            if each.packets and each.ssrc != self._sender
        ]
        own = self._departed.get(self._sender)
        first = (
            own.report(clock, blocks, now)
            if own and own.packets
            else Compound(self._sender, blocks)
        )
        return format_compound([first, *reports])


def _flows(stream: Arrived, now: float) -> bool:
    """Tell whether there is something to report; of sound always."""
    if stream.window is Window.SOUND:
        return True
    return stream.newest_at is not None and now - stream.newest_at <= PAUSED_S
