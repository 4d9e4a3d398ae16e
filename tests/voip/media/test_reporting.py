"""Who sends which report, and who acts on it."""

import pytest

from voip.errors import MalformedError
from voip.media.flow import report
from voip.media.flow.arrivals import Window
from voip.media.reporting import (
    FEEDBACK_EVERY_S,
    PICTURE_RATE,
    Reporting,
)
from voip.media.sources import SAMPLE_RATE
from voip.media.steering import Steering

OURS, CAMERA = 0x0A, 0x0B  # our streams
THEIRS, THEIR_CAMERA = 0x1A, 0x1B


class Asked:
    """A sender of pictures that notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[int, ...]]] = []

    def nack(self, sequences: tuple[int, ...], now: float) -> None:
        del now
        self.asked.append(("again", sequences))

    def lost(self, sequences: tuple[int, ...], now: float) -> None:
        del now
        self.asked.append(("lost", sequences))

    def pli(self, now: float) -> None:
        del now
        self.asked.append(("key", ()))


class Rig:
    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.steering = Steering(OURS, 0.0)
        self.reporting = Reporting(
            OURS, self.steering, send=self.sent.append, now=0.0, offset_s=5.0
        )
        self.camera = Asked()
        self.reporting.serve(CAMERA, self.camera)

    def told(self) -> list[report.Report]:
        """Read what was sent, and forget it."""
        sent, self.sent[:] = list(self.sent), []
        return [each for datagram in sent for each in report.parse(datagram)]


def test_a_report_leaves_on_its_beat_and_says_what_came_and_left() -> None:
    rig = Rig()
    sound = rig.reporting.expect(THEIRS, Window.SOUND, SAMPLE_RATE)
    rig.reporting.sent(OURS, 125, 960, 0.1)
    rig.reporting.sent(CAMERA, 1000, 3000, 0.1)
    rig.reporting.sent(0x0C, 1000, 3000, 0.1)  # repeats of pictures are in no report
    sound.note(5, 960, 0.1)
    rig.reporting.tick(0.11)
    early = rig.told()
    rig.reporting.tick(0.21)
    told = rig.told()
    compounds = [each for each in told if isinstance(each, report.Compound)]

    assert early == []
    assert [type(each) for each in told] == [
        report.Feedback,
        report.Compound,
        report.Compound,
    ]
    assert [(each.sender, each.packets, each.octets) for each in compounds] == [
        (OURS, 1, 125),
        (CAMERA, 1, 1000),
    ]
    assert [block.ssrc for block in compounds[0].blocks] == [THEIRS]


def test_packets_and_pictures_are_asked_for_at_once() -> None:
    rig = Rig()
    rig.reporting.ask_again(THEIR_CAMERA, (3, 4))
    rig.reporting.ask_picture(THEIR_CAMERA, steady=False)

    assert rig.told() == [
        report.Nack(OURS, THEIR_CAMERA, (3, 4)),
        report.PictureLoss(OURS, THEIR_CAMERA),
    ]


def test_a_steady_picture_is_asked_for_with_the_next_report() -> None:
    rig = Rig()
    came = rig.reporting.expect(THEIR_CAMERA, Window.STEADY, PICTURE_RATE)
    came.note(1, 0, 0.1)
    rig.reporting.ask_picture(THEIR_CAMERA, steady=True)
    at_once = rig.told()
    rig.reporting.tick(0.2)

    assert at_once == []
    assert report.PictureLoss(OURS, THEIR_CAMERA) in rig.told()


def test_what_is_asked_of_a_stream_reaches_its_sender() -> None:
    rig = Rig()
    rig.reporting.receive(report.format_nack(report.Nack(THEIRS, CAMERA, (7,))), 1.0)
    wanted = report.format_picture_loss(report.PictureLoss(THEIRS, CAMERA))
    rig.reporting.receive(wanted, 1.0)

    assert rig.camera.asked == [("again", (7,)), ("key", ())]


def test_what_is_asked_of_other_streams_reaches_nobody() -> None:
    rig = Rig()
    rig.reporting.receive(report.format_nack(report.Nack(THEIRS, OURS, (7,))), 1.0)
    wanted = report.format_picture_loss(report.PictureLoss(THEIRS, OURS))
    rig.reporting.receive(wanted, 1.0)

    assert rig.camera.asked == []


def test_a_report_steers_and_tells_what_was_lost() -> None:
    rig = Rig()
    for sequence in range(1, 60):
        rig.steering.sent(CAMERA, sequence, 1000, sequence / 100)
        rig.steering.sent(OURS, sequence, 181, sequence / 100)
    came = tuple(report.MISSING if n == 5 else 0 for n in range(1, 60))
    streams = (
        report.Arrivals(CAMERA, 1, came),
        report.Arrivals(OURS, 1, came),
    )
    feedback = report.format_feedback(report.Feedback(THEIRS, streams, 0))
    rig.reporting.receive(feedback, 0.7)

    assert ("lost", (5,)) in rig.camera.asked
    assert {what for what, _ in rig.camera.asked} == {"lost"}
    assert rig.steering.round_trip_s is not None


def _feedback(begin: int) -> bytes:
    """Tell that the one before this came."""
    came = report.Arrivals(CAMERA, begin, (0,))
    return report.format_feedback(report.Feedback(THEIRS, (came,), 0))


def test_a_flood_of_feedback_is_not_looked_at() -> None:
    rig = Rig()
    rig.steering.sent(CAMERA, 1, 1000, 0.9)
    for _ in range(10_000):
        rig.reporting.receive(_feedback(1), 1.0)

    # What is looked at speaks of what was never sent, and is refused.
    rig.reporting.receive(_feedback(2), 1.0)
    with pytest.raises(MalformedError, match="expected numbers up to 1, came 2"):
        rig.reporting.receive(_feedback(2), 1.0 + 1.1 * FEEDBACK_EVERY_S)


def test_feedback_that_was_held_up_is_all_looked_at() -> None:
    rig = Rig()
    rig.steering.sent(CAMERA, 1, 1000, 0.9)
    for _ in range(5):
        rig.reporting.receive(_feedback(1), 1.0)

    with pytest.raises(MalformedError, match="expected numbers up to 1, came 2"):
        rig.reporting.receive(_feedback(2), 1.0)


def test_their_clock_is_named_in_our_next_report() -> None:
    rig = Rig()
    rig.reporting.expect(THEIRS, Window.SOUND, SAMPLE_RATE).note(1, 0, 0.1)
    theirs = report.Compound(THEIRS, (), clock=0x0123456789ABCDEF)
    rig.reporting.receive(report.format_compound([theirs]), 0.1)
    rig.reporting.tick(0.2)
    (ours,) = (each for each in rig.told() if isinstance(each, report.Compound))

    assert ours.blocks[0].last_report == 0x456789AB


def test_what_is_no_report_is_malformed() -> None:
    with pytest.raises(MalformedError):
        Rig().reporting.receive(b"\x80\xc8", 1.0)
