"""Packets become sound and digits; what is malformed is counted, and no more."""

from hypothesis import given
from hypothesis import strategies as st

from voip.media.audio.dtmf import ToneSender
from voip.media.audio.hearing import MAX_DIGITS, Hearing
from voip.media.audio.red import Redundancy
from voip.media.audio.states import AudioState
from voip.media.profile import AUDIO_PT
from voip.media.rtp import Header, format_header
from voip.media.sources import FRAME_BYTES, FRAME_SAMPLES, SILENCE

N2, S2 = AudioState.N2, AudioState.S2


class Marking:
    """A decoder whose sound is the number of the frame, again and again."""

    def decode(self, frame: bytes) -> bytes:
        return frame[1:2] * FRAME_BYTES

    def recover(self, following: bytes) -> bytes:
        del following
        return SILENCE

    def conceal(self) -> bytes:
        return SILENCE


class Speaker:
    """Makes packets of numbered frames; the first has the sequence number 65534."""

    def __init__(self, state: AudioState) -> None:
        self.tones = ToneSender()
        self._setting = state.value
        self._redundancy = Redundancy()
        self._number = 0

    def packet(self) -> bytes:
        number = self._number
        self._number += 1
        header = Header(
            marker=False,
            payload_type=AUDIO_PT,
            sequence=65534 + number & 0xFFFF,
            timestamp=2**32 - 960 + 960 * number & 0xFFFF_FFFF,
            ssrc=7,
        )
        return format_header(header) + self._redundancy.payload(
            self.frame(number), self._setting, self.tones.next()
        )

    def frame(self, number: int) -> bytes:
        return bytes([0xF8, number + 1 & 0xFF]) * (self._setting.frame_bytes // 2)


def _hearing() -> Hearing:
    return Hearing(Marking())


def test_what_is_said_is_heard_across_the_wrap_of_both_numbers() -> None:
    hearing, speaker = _hearing(), Speaker(N2)
    heard = set()
    for number in range(10):
        hearing.receive(speaker.packet(), 0.02 * number)
        heard |= set(hearing.pull(FRAME_SAMPLES, 0.02 * number + 0.01))

    assert {1, 2, 3, 4, 5, 6, 7, 8} <= heard


def test_a_pull_gives_exactly_what_was_asked_for() -> None:
    assert len(_hearing().pull(441, 0.0)) == 882


def test_a_malformed_packet_is_counted_and_no_more() -> None:
    hearing, packet = _hearing(), Speaker(N2).packet()
    hearing.receive(packet[:-1], 0.0)
    hearing.receive(packet[:11], 0.0)
    hearing.receive(packet[:1] + bytes([AUDIO_PT + 1]) + packet[2:], 0.0)

    assert hearing.malformed == 3
    assert hearing.pull(FRAME_SAMPLES, 0.1) == SILENCE


@given(st.lists(st.tuples(st.binary(max_size=300), st.booleans()), max_size=10))
def test_any_bytes_at_all_are_borne(packets: list[tuple[bytes, bool]]) -> None:
    hearing = _hearing()
    hearing.on_frame = lambda *_: None
    head = Speaker(N2).packet()[:12]
    for number, (packet, has_header) in enumerate(packets):
        hearing.receive(head + packet if has_header else packet, 0.02 * number)

        assert len(hearing.pull(FRAME_SAMPLES, 0.02 * number)) == FRAME_BYTES


def test_digits_are_told_once_and_when_asked() -> None:
    for state in (N2, S2):
        hearing, speaker = _hearing(), Speaker(state)
        speaker.tones.press("4711")
        for number in range(44):
            packet = speaker.packet()
            if number % 3 == 2:
                hearing.receive(packet, 0.02 * number)

        assert (hearing.digits(), hearing.digits()) == ("4711", "")


def test_digits_that_nobody_asks_for_do_not_pile_up() -> None:
    hearing, speaker = _hearing(), Speaker(S2)
    for digit in "1" * MAX_DIGITS + "23":
        speaker.tones.press(digit)
        for _ in range(11):
            packet = speaker.packet()
            hearing.receive(packet, 0.02 * (speaker._number))

    assert hearing.digits() == "1" * (MAX_DIGITS - 2) + "23"


def test_a_frame_that_gave_way_to_a_tone_is_silence_and_no_loss() -> None:
    hearing, speaker = _hearing(), Speaker(S2)
    speaker.tones.press("1")
    heard = b""
    for number in range(8):
        hearing.receive(speaker.packet(), 0.02 * number)
        heard += hearing.pull(FRAME_SAMPLES, 0.02 * number + 0.01)

    assert hearing.receiver.made_up == 0
    assert set(heard) == {0}


def _recorded(hearing: Hearing, packets: list[bytes]) -> list[tuple[int, int]]:
    """Give (number in the frame, its time in frames) of all that was recorded."""
    kept: list[tuple[int, int]] = []
    hearing.on_frame = lambda frame, at: kept.append((frame[1] - 1, at // 960))
    for number, packet in enumerate(packets):
        hearing.receive(packet, 0.02 * number)
    return kept


def test_a_recording_has_each_frame_once_in_order_from_the_copies_too() -> None:
    speaker = Speaker(N2)
    packets = [speaker.packet() for _ in range(20)]
    came = [packets[number] for number in (2, 3, 6, 5, 7, 12, 12, 13)]

    assert _recorded(_hearing(), came) == [
        (number, number - 2) for number in (2, 3, 4, 5, 6, 7, 10, 11, 12, 13)
    ]


def test_a_recording_leaves_a_gap_where_a_tone_was() -> None:
    speaker = Speaker(S2)
    packets = [speaker.packet()]
    speaker.tones.press("1")
    packets += [speaker.packet() for _ in range(9)]

    assert _recorded(_hearing(), packets) == [(0, 0), (9, 9)]


def test_it_is_known_when_sound_of_a_time_is_heard() -> None:
    hearing, speaker = _hearing(), Speaker(N2)
    before = hearing.heard_at(0)
    packets = [speaker.packet() for _ in range(20)]
    hearing.receive(packets[0], 0.0)
    unheard = hearing.heard_at(0)
    order = [*range(1, 10), 11, 10, *range(12, 20)]
    for number, which in enumerate(order, 1):
        hearing.receive(packets[which], 0.02 * number)
        hearing.pull(FRAME_SAMPLES, 0.02 * number + 0.01)
    first, second = (hearing.heard_at(stamp) for stamp in (0, 48_000))

    assert (before, unheard) == (None, None)
    assert first is not None
    assert second is not None
    assert 0.0 < first < 0.1
    assert second - first == 1.0
