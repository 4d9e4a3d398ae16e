"""What a recorder is handed: both sides on one clock, whatever the packets did."""

import pytest

from voip.media.sources import Track
from voip.media.tape import MAX_DRIFT_S, Tape

KEY, NOT_KEY = True, False
CAMERA = Track(ours=False, kind="video", codec="vp8")


class Shelf:
    """A recorder in memory, of which the disk can be full."""

    def __init__(self) -> None:
        self.sounds: list[tuple[bytes, float, bool]] = []
        self.pictures: list[tuple[bytes, float, Track]] = []
        self.closed = 0
        self.is_full = False

    def sound(self, frame: bytes, at_s: float, *, ours: bool) -> None:
        self._check()
        self.sounds.append((frame, at_s, ours))

    def picture(self, frame: bytes, at_s: float, *, track: Track) -> None:
        self._check()
        self.pictures.append((frame, at_s, track))

    def close(self) -> None:
        self.closed += 1
        self._check()

    def _check(self) -> None:
        if self.is_full:
            raise OSError("no space left")


class Rig:
    """A tape with a clock that the test holds."""

    def __init__(self) -> None:
        self.now = 100.0
        self.shelf = Shelf()
        self.failures: list[str] = []
        self.tape = Tape(
            self.shelf, clock=lambda: self.now, failed=self.failures.append
        )


def test_sound_is_evenly_spaced_however_late_it_comes() -> None:
    rig = Rig()
    keep = rig.tape.sound(ours=True)
    for late_s, samples in ((0.0, 5000), (0.3, 5960), (0.3, 6920)):
        rig.now = 101.0 + late_s
        keep(b"frame", samples)

    assert [at for _, at, _ in rig.shelf.sounds] == pytest.approx([1.0, 1.02, 1.04])
    assert rig.shelf.sounds[0][2]


def test_what_was_lost_leaves_a_gap() -> None:
    rig = Rig()
    keep = rig.tape.sound(ours=False)
    keep(b"a", 0)
    keep(b"b", 48_000)

    assert [at for _, at, _ in rig.shelf.sounds] == pytest.approx([0.0, 1.0])


def test_picture_times_go_on_over_the_wrap() -> None:
    rig = Rig()
    keep = rig.tape.pictures(CAMERA)
    keep(b"a", 2**32 - 9000, KEY)
    keep(b"b", 0, NOT_KEY)
    keep(b"c", 9000, NOT_KEY)

    assert [at for _, at, _ in rig.shelf.pictures] == pytest.approx([0.0, 0.1, 0.2])
    assert rig.shelf.pictures[0][2] == CAMERA


def test_time_does_not_run_backwards() -> None:
    rig = Rig()
    rig.now = 102.0
    keep = rig.tape.pictures(CAMERA)
    keep(b"a", 90_000, KEY)
    keep(b"b", 0, NOT_KEY)

    assert [at for _, at, _ in rig.shelf.pictures] == [2.0, 2.0]


def test_a_sender_cannot_draw_a_file_out() -> None:
    rig = Rig()
    keep = rig.tape.pictures(CAMERA)
    keep(b"a", 0, KEY)
    rig.now += 0.1
    keep(b"b", round((MAX_DRIFT_S + 1) * 90_000), NOT_KEY)

    assert rig.shelf.pictures[-1][1] == pytest.approx(0.1)


def test_a_full_disk_ends_the_recording_and_is_told_once() -> None:
    rig = Rig()
    sound, picture = rig.tape.sound(ours=True), rig.tape.pictures(CAMERA)
    rig.shelf.is_full = True
    sound(b"a", 0)
    sound(b"b", 960)
    picture(b"c", 0, KEY)
    rig.tape.close()

    assert (rig.failures, rig.shelf.closed) == (["no space left"], 1)


def test_a_disk_that_is_full_at_the_end_is_told() -> None:
    rig = Rig()
    rig.shelf.is_full = True
    rig.tape.close()
    rig.tape.close()

    assert (rig.failures, rig.shelf.closed) == (["no space left"], 1)


def test_a_recording_is_finished_once() -> None:
    rig = Rig()
    rig.tape.close()
    rig.tape.close()

    assert (rig.failures, rig.shelf.closed) == ([], 1)
