"""libopus: one size per state whatever is said, and lost frames made up."""

import random
from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voip.media.scores import speech
from voip.errors import MalformedError, MissingError
from voip.media.audio.opus import (
    Decoder,
    Library,
    OpusDecoder,
    OpusEncoder,
    backend,
    check_opus,
    installed,
    load,
    open_decoder,
    open_encoder,
)
from voip.media.audio.red import check_frame
from voip.media.audio.spare import SpareDecoder, SpareEncoder
from voip.media.audio.states import PLAIN, AudioState
from voip.media.similarity import similarity
from voip.media.sources import FRAME_BYTES, FRAME_SAMPLES, SILENCE

KINDS = pytest.mark.parametrize("spare", [False, True], ids=["libopus", "spare"])


@pytest.fixture
def library() -> Library:
    found = installed()
    if found is None:
        pytest.skip("no libopus beside PyAV and none of the system")
    return found


def _encoder(*, spare: bool) -> SpareEncoder | OpusEncoder:
    found = installed()
    if spare or found is None:
        return SpareEncoder(AudioState.N1.value)
    return OpusEncoder(AudioState.N1.value, found)


def _decoder(*, spare: bool) -> SpareDecoder | OpusDecoder:
    found = installed()
    return SpareDecoder() if spare or found is None else OpusDecoder(found)


def _speech() -> list[bytes]:
    """Give a second of speech in frames, from within a word on."""
    pcm = speech()[48_000 : 2 * 48_000].astype("<i2").tobytes()
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]


SPEECH = _speech()


def _sounds() -> list[bytes]:
    noise = random.Random(1)
    return [
        *[SILENCE] * 4,
        *SPEECH[:8],
        *(noise.randbytes(FRAME_BYTES) for _ in range(4)),
        b"\xff\x7f" * FRAME_SAMPLES,
    ]


@KINDS
@pytest.mark.parametrize("state", AudioState, ids=lambda state: state.name)
def test_every_frame_of_a_state_has_one_size_whatever_is_said(
    state: AudioState, *, spare: bool
) -> None:
    encoder = _encoder(spare=spare)
    encoder.set(state.value)
    frames = [encoder.encode(pcm) for pcm in _sounds()]
    for frame in frames:
        check_frame(frame)

    assert {len(frame) for frame in frames} == {state.value.frame_bytes}


@KINDS
def test_a_plain_leg_has_one_size_too(*, spare: bool) -> None:
    encoder = _encoder(spare=spare)
    encoder.set(PLAIN)

    assert {len(encoder.encode(pcm)) for pcm in _sounds()} == {PLAIN.frame_bytes}


def test_the_size_changes_with_the_state_and_at_once() -> None:
    encoder = _encoder(spare=False)
    for state, pcm in zip(
        islice(cycle(AudioState), 40), cycle(_sounds()), strict=False
    ):
        encoder.set(state.value)

        assert len(encoder.encode(pcm)) == state.value.frame_bytes


@KINDS
@pytest.mark.parametrize("state", AudioState, ids=lambda state: state.name)
def test_what_was_said_can_be_understood(state: AudioState, *, spare: bool) -> None:
    encoder, decoder = _encoder(spare=spare), _decoder(spare=spare)
    encoder.set(state.value)
    heard = [decoder.decode(encoder.encode(pcm)) for pcm in SPEECH]

    assert {len(pcm) for pcm in heard} == {FRAME_BYTES}
    assert similarity(b"".join(SPEECH), b"".join(heard)).correlation > 0.9


def _loudness(pcm: bytes) -> float:
    samples = memoryview(pcm).cast("h")
    return float(sum(map(abs, samples)) / len(samples))


def test_the_library_is_not_given_less_than_it_reads(library: Library) -> None:
    with pytest.raises(MalformedError, match="expected 1920 bytes, came 1918"):
        OpusEncoder(PLAIN, library).encode(SILENCE[:-2])


def _difference(one: bytes, other: bytes) -> float:
    pairs = zip(*(memoryview(pcm).cast("h") for pcm in (one, other)), strict=True)
    return float(sum((a - b) ** 2 for a, b in pairs))


def test_in_band_fec_brings_back_the_frame_before(library: Library) -> None:
    encoder = OpusEncoder(AudioState.S0.value, library)
    frames = [encoder.encode(pcm) for pcm in SPEECH]
    whole = OpusDecoder(library)
    meant = [whole.decode(frame) for frame in frames]
    recovered = concealed = 0.0
    for lost in range(5, 49, 6):
        with_fec, without = OpusDecoder(library), OpusDecoder(library)
        for frame in frames[:lost]:
            with_fec.decode(frame)
            without.decode(frame)
        recovered += _difference(with_fec.recover(frames[lost + 1]), meant[lost])
        concealed += _difference(without.conceal(), meant[lost])

    assert recovered < 0.6 * concealed


@KINDS
def test_a_lost_frame_goes_on_as_the_one_before(*, spare: bool) -> None:
    encoder, decoder = _encoder(spare=spare), _decoder(spare=spare)
    frames = [encoder.encode(pcm) for pcm in SPEECH[:10]]
    heard = [decoder.decode(frame) for frame in frames][-1]
    made_up = decoder.conceal()

    assert len(made_up) == FRAME_BYTES
    assert 0.2 < _loudness(made_up) / _loudness(heard) < 1.5


def test_the_spare_one_falls_silent_after_60_ms() -> None:
    encoder, decoder = SpareEncoder(PLAIN), SpareDecoder()
    frames = [encoder.encode(pcm) for pcm in SPEECH[:5]]
    for frame in frames[:4]:
        decoder.decode(frame)
    levels = [_loudness(decoder.recover(frames[4])) for _ in range(4)]

    assert levels[0] > levels[1] > levels[2] > levels[3] == 0


@KINDS
@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff", id="a count that is missing"),
        pytest.param(b"\xfb\xff" + bytes(78), id="63 frames in 80 bytes"),
        pytest.param(bytes([3 << 3]) + bytes(79), id="60 ms"),
        pytest.param(bytes([28 << 3]) + bytes(79), id="2.5 ms"),
    ],
)
def test_what_is_no_frame_of_20_ms_is_refused(frame: bytes, *, spare: bool) -> None:
    decoder = _decoder(spare=spare)
    with pytest.raises(MalformedError):
        decoder.decode(frame)

    assert len(decoder.decode(_encoder(spare=spare).encode(SILENCE))) == FRAME_BYTES


def test_nothing_recovers_nothing() -> None:
    with pytest.raises(MalformedError, match="came nothing"):
        _decoder(spare=False).recover(b"")


DECODERS = {spare: _decoder(spare=spare) for spare in (False, True)}


@KINDS
@given(frame=st.binary(max_size=120))
def test_any_bytes_are_sound_or_the_one_error(frame: bytes, *, spare: bool) -> None:
    decoder: Decoder = DECODERS[spare]
    for decode in (decoder.decode, decoder.recover):
        try:
            pcm = decode(frame)
        except MalformedError:
            continue

        assert len(pcm) == FRAME_BYTES


def test_a_library_that_is_not_there_is_told() -> None:
    with pytest.raises(MissingError, match="does not open"):
        Library("/nowhere/libopus.so.0")


def test_a_library_that_is_another_is_told() -> None:
    with pytest.raises(MissingError, match="does not open"):
        Library("libc.so.6")


@pytest.mark.parametrize("path", [None, "/nowhere/libopus.so.0"], ids=["none", "bad"])
def test_without_a_library_there_is_none(path: str | None) -> None:
    assert load(path) is None


def test_this_machine_says_where_its_opus_is(library: Library) -> None:
    assert backend() == f"{library.version} from {library.path}"
    assert library.version.startswith("libopus 1.")


def _nowhere() -> None:
    """Stand for a machine without libopus."""


def test_a_machine_without_libopus_says_what_that_costs() -> None:
    assert (
        backend(_nowhere) == "opus of PyAV: no libopus, so lost sound is only repeated"
    )


def test_a_machine_without_libopus_has_the_spare_ones() -> None:
    kinds = type(open_encoder(PLAIN, _nowhere)), type(open_decoder(_nowhere))

    assert kinds == (SpareEncoder, SpareDecoder)


def test_opus_goes_there_and_back() -> None:
    check_opus()
