import pytest

from voip.media.audio.states import PLAIN, AudioState


@pytest.mark.parametrize(
    ("state", "payload", "datagram", "kbps"),
    [
        ("N1", 165, 221, 88.4),
        ("N2", 189, 245, 98.0),
        ("N3", 253, 309, 123.6),
        ("N4", 189, 245, 98.0),
        ("N5", 253, 309, 123.6),
        ("S1", 125, 181, 72.4),
        ("S0", 81, 137, 54.8),
        ("S2", 41, 97, 38.8),
    ],
)
def test_each_state_has_its_one_size(
    state: str, payload: int, datagram: int, kbps: float
) -> None:
    setting = AudioState[state].value

    assert (setting.payload_bytes, setting.datagram_bytes) == (payload, datagram)
    assert setting.kbps == pytest.approx(kbps)


def test_a_plain_leg_sends_frames_of_100_bytes() -> None:
    assert PLAIN.frame_bytes == 100
