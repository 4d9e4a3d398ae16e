"""A trace says what left, and nothing that an observer would not see."""

import stat
from pathlib import Path

import pytest

from cli.trace import kind_of, trace_to
from voip.errors import MissingError, RefusedError
from voip.media.profile import AUDIO_PT, STEADY_PT
from voip.media.record import RECORD

RTP = 0x80
SENDER_REPORT = 200  # RFC 3550 §6.4.1


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        ([RTP, AUDIO_PT], "audio"),
        ([RTP, AUDIO_PT | 0x80], "audio"),
        ([RTP, STEADY_PT], "video"),
        ([RTP, SENDER_REPORT], "rtcp"),
        ([RECORD, 0], "record"),
        ([0, 1], "stun"),
    ],
)
def test_a_datagram_is_named_by_its_start(start: list[int], kind: str) -> None:
    assert kind_of(bytes(start).ljust(40, b"\0")) == kind


def test_each_datagram_is_a_line(tmp_path: Path) -> None:
    times = iter([7.0, 7.25])
    path = tmp_path / "trace"

    with trace_to(path, lambda: next(times)) as trace:
        assert trace is not None
        trace(bytes([RTP, AUDIO_PT]).ljust(108, b"\0"), ("127.0.0.1", 9))
        trace(bytes([RECORD]).ljust(666, b"\0"), ("2001:db8::1", 9))

    assert path.read_text().splitlines() == [
        "0.000 108 audio 127.0.0.1:9",
        "0.250 666 record [2001:db8::1]:9",
    ]


def test_a_trace_is_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    with trace_to(path):
        pass

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_file_is_traced_over(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.touch()

    with pytest.raises(RefusedError, match="exists already"), trace_to(path):
        pass


def test_a_trace_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "trace"

    with pytest.raises(MissingError, match="cannot create trace"), trace_to(path):
        pass


def test_without_a_file_nothing_is_traced() -> None:
    with trace_to(None) as trace:
        assert trace is None
