"""The codecs of this machine pass their check."""

from voip.media.codecs import check_av1, check_opus, check_vp8


def test_opus_goes_there_and_back() -> None:
    check_opus()


def test_vp8_goes_there_and_back() -> None:
    assert check_vp8().startswith("libvpx v1.")


def test_av1_goes_there_and_back() -> None:
    assert "SVT-AV1" in check_av1()
