import pytest

from voip.errors import MissingError
from voip.media.ends.listed import SoundDevice, Way, find_again, label, select

BUILT_IN = SoundDevice("Built-in", "PulseAudio", id=b"pci")
HEADSET = SoundDevice("USB Headset", "PulseAudio", id=b"usb-1")
HEADSET_TOO = SoundDevice("USB Headset", "PulseAudio", id=b"usb-2")
LISTED = [BUILT_IN, HEADSET, SoundDevice("USB Headset Pro", "PulseAudio", id=b"usb-9")]


def test_a_line_of_the_list_holds_number_name_and_system() -> None:
    assert label(2, HEADSET) == "2 USB Headset (PulseAudio)"


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (None, None),
        (0, BUILT_IN),
        (1, HEADSET),
        ("built", BUILT_IN),
        ("IN", BUILT_IN),
        ("usb headset", HEADSET),
    ],
    ids=str,
)
def test_a_device_is_meant_by_place_or_part_of_its_name(
    which: int | str | None, found: SoundDevice | None
) -> None:
    assert select(LISTED, which, Way.IN) == found


@pytest.mark.parametrize(
    ("which", "said"),
    [
        (3, "no speaker 3: the system lists 3, from 0"),
        ("radio", "no speaker has 'radio' in its name"),
        ("usb", "'usb' fits 2 speakers: 'USB Headset', 'USB Headset Pro'"),
    ],
)
def test_what_means_none_or_several_is_told(which: int | str, said: str) -> None:
    with pytest.raises(MissingError, match=said):
        select(LISTED, which, Way.OUT)


def test_two_of_one_name_are_not_told_apart_by_it() -> None:
    with pytest.raises(MissingError, match="fits 2 microphones"):
        select([HEADSET, HEADSET_TOO], "USB Headset", Way.IN)


def test_where_nothing_is_listed_there_is_no_default_either() -> None:
    with pytest.raises(MissingError, match="no microphone: the system lists none"):
        select([], None, Way.IN)


def test_a_device_is_found_again_by_its_id() -> None:
    renamed = SoundDevice("Headset of Ann", "PulseAudio", id=b"usb-1")

    assert find_again(HEADSET, [HEADSET_TOO, renamed]) == renamed


def test_in_another_socket_a_device_is_found_by_its_name() -> None:
    assert find_again(HEADSET, [BUILT_IN, HEADSET_TOO]) == HEADSET_TOO


def test_under_another_sound_system_a_device_is_found_by_its_name() -> None:
    moved = SoundDevice("USB Headset", "ALSA", id=b"hw:1")

    assert find_again(HEADSET, [BUILT_IN, moved]) == moved


def test_two_of_one_name_are_not_guessed_at() -> None:
    gone = SoundDevice("USB Headset", "PulseAudio", id=b"usb-3")

    assert find_again(gone, [HEADSET, HEADSET_TOO]) is None
