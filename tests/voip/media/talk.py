"""One direction of an audio call in virtual time: real Opus, our packets, a link.

The sender takes 20 ms of speech, encodes them and sends a payload over the link; the
receiver is pulled every 10 ms, by a clock that may run faster or slower. Packets are
those of the wire but for RTP's header and SRTP, whose bytes count in the link's rate.
"""

from dataclasses import dataclass

import numpy as np

from tests.voip.media.link import Conditions, Link, Script
from tests.voip.media.scores import Sound
from tests.voip.media.world import World
from voip.media.audio.choice import Choice
from voip.media.audio.jitter import AudioReceiver
from voip.media.audio.opus import open_decoder, open_encoder
from voip.media.audio.red import Redundancy, parse_red
from voip.media.audio.states import START, AudioState
from voip.media.flow.losses import Losses
from voip.media.sources import FRAME_BYTES

FRAME_S = 0.02
PULL_S, PULL_SAMPLES = 0.01, 480
FIRST_PULL_S = 0.0037
"""So that the pulls do not fall together with the packets."""
REPORT_S = 0.2
KNOWN_S = 0.3
"""When the sender knows what became of a packet: eight later ones, and a report."""
MOUTH_TO_EAR_S = 0.02 + 0.0065 + 0.01
"""A frame, the encoder's look-ahead and a device, beside what the receiver holds."""


@dataclass(slots=True)
class Heard:
    """What came of a talk.

    Attributes:
        sound: all that was played, from the first pull on.
        holds: (time, hold, target) in seconds, at each pull after the first packet.
        states: (time, state) of each change.
        made_up_s: seconds of sound that was made up, from the first word to the last.
        stretched: frames that were shortened or lengthened.
        kbps: mean rate of whole IPv4 datagrams.
    """

    sound: Sound
    holds: list[tuple[float, float, float]]
    states: list[tuple[float, AudioState]]
    made_up_s: float = 0.0
    stretched: int = 0
    kbps: float = 0.0

    @property
    def median_hold_s(self) -> float:
        """The hold of half of the time."""
        return float(np.median([hold for _, hold, _ in self.holds]))

    @property
    def mouth_to_ear_s(self) -> float:
        """What everything but the network adds, half of the time."""
        return MOUTH_TO_EAR_S + self.median_hold_s


class Talk:
    """One who speaks, a link, and one who hears."""

    def __init__(
        self,
        said: Sound,
        link: Link,
        *,
        state: AudioState | None = None,
        clock: float = 1.0,
    ) -> None:
        """Prepare a talk.

        Args:
            said: what is said, in whole frames.
            link: where packets go.
            state: what is sent in; None to let `Choice` choose.
            clock: how much faster than ours the hearer's device runs.
        """
        self.world = World()
        self.receiver = AudioReceiver(open_decoder())
        self.heard = Heard(np.zeros(0, np.int16), [], [])
        self._link = link
        self._fixed = state
        self._choice = Choice(0.0)
        self._losses = Losses()
        self._setting = (state or START).value
        self._encoder = open_encoder(self._setting)
        self._redundancy = Redundancy()
        self._frames = said.astype("<i2").tobytes()
        self._sent = 0
        self._bytes = 0
        self._played: list[bytes] = []
        self.world.every(FRAME_S, self._speak)
        self.world.every(REPORT_S, self._report, start=REPORT_S)
        self.world.every(PULL_S / clock, self._play, start=FIRST_PULL_S)

    def run(self) -> Heard:
        """Let it all happen, to half a second after the last word."""
        length = len(self._frames) // FRAME_BYTES * FRAME_S
        self.world.run(length)
        self.heard.made_up_s = self.receiver.made_up / 96_000
        self.world.run(length + 0.5)
        sound = np.frombuffer(b"".join(self._played), "<i2")
        ahead = np.zeros(int(FIRST_PULL_S * 48_000), np.int16)
        self.heard.sound = np.concatenate((ahead, sound))
        self.heard.stretched = self.receiver.stretched
        self.heard.kbps = self._bytes * 8 / 1000 / length
        return self.heard

    def _speak(self) -> None:
        at = self._sent * FRAME_BYTES
        pcm = self._frames[at : at + FRAME_BYTES]
        if len(pcm) < FRAME_BYTES:
            return
        sequence = self._sent & 0xFFFF
        self._sent += 1
        payload = self._redundancy.payload(self._encoder.encode(pcm), self._setting)
        size = self._setting.datagram_bytes
        self._bytes += size
        arrival = self._link.send(size, self.world.now)
        lost = arrival is None
        self.world.at(self.world.now + KNOWN_S, lambda: self._losses.note(lost=lost))
        if arrival is not None:
            self.world.at(arrival, lambda: self._hear(sequence, payload))

    def _hear(self, sequence: int, payload: bytes) -> None:
        blocks = parse_red(payload)
        primary = ((0, blocks.primary),) if blocks.primary else ()
        frames = (*primary, *blocks.copies)
        self.receiver.receive(sequence, frames, self.world.now)

    def _play(self) -> None:
        receiver, now = self.receiver, self.world.now
        self._played.append(receiver.pull(PULL_SAMPLES, now))
        if receiver.decoded:
            self.heard.holds.append((now, receiver.hold, receiver.arrivals.target))

    def _report(self) -> None:
        now = self.world.now
        if self._fixed is not None:
            return
        state = self._choice.update(
            lost=self._losses.share or 0.0,
            run=self._losses.run,
            room_kbps=None,
            overuse=False,
            now=now,
        )
        if state.value is not self._setting:
            self._setting = state.value
            self._encoder.set(state.value)
            self.heard.states.append((now, state))


def talk(
    said: Sound,
    conditions: Conditions,
    *,
    state: AudioState | None = None,
    seed: int = 1,
    script: Script = (),
    clock: float = 1.0,
) -> Heard:
    """Let `said` be said over a link."""
    return Talk(said, Link(conditions, seed, script), state=state, clock=clock).run()
