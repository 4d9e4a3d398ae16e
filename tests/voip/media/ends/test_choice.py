import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.media.ends.choice import (
    Choice,
    Device,
    Drawn,
    File,
    Hum,
    Made,
    Screen,
    is_raw,
    movie_format,
    parse_choice,
)


def test_without_words_it_is_a_voice_call_on_the_default_devices() -> None:
    assert parse_choice() == Choice(
        audio_in=Device(None),
        audio_out=Device(None),
        video_in=Made.NONE,
        video_out=Made.NULL,
    )


@pytest.mark.parametrize(
    ("word", "end"),
    [
        ("mic", Device(None)),
        ("mic:0", Device(0)),
        ("mic:99", Device(99)),
        ("mic:USB: 2", Device("USB: 2")),
        ("mic:-1", Device("-1")),
        ("tone", Hum(440)),
        ("tone:20000", Hum(20_000)),
        ("silence", Made.SILENCE),
        ("file:a:b.ogg", File("a:b.ogg")),
    ],
)
def test_words_for_sound_in(word: str, end: Device | File | Hum | Made) -> None:
    assert parse_choice(audio_in=word).audio_in == end


@pytest.mark.parametrize(
    ("word", "end"),
    [
        ("speaker:2", Device(2)),
        ("speaker:head", Device("head")),
        ("null", Made.NULL),
        ("file:heard.WAV", File("heard.WAV")),
    ],
)
def test_words_for_sound_out(word: str, end: Device | File | Made) -> None:
    assert parse_choice(audio_out=word).audio_out == end


@pytest.mark.parametrize(
    ("word", "end"),
    [
        ("camera", Device(None)),
        ("camera:1", Device(1)),
        ("screen", Screen(None)),
        ("screen::0.1", Screen(":0.1")),
        ("pattern", Made.PATTERN),
        ("none", Made.NONE),
        ("file:me.webm", File("me.webm")),
    ],
)
def test_words_for_pictures_in(word: str, end: Device | File | Made) -> None:
    assert parse_choice(video_in=word).video_in == end


@pytest.mark.parametrize(
    ("word", "end"),
    [
        ("null", Made.NULL),
        ("terminal", Drawn.BLOCKS),
        ("kitty", Drawn.KITTY),
        ("window", Drawn.WINDOW),
        ("file:seen.mkv", File("seen.mkv")),
        ("file:pipe.Y4M", File("pipe.Y4M")),
    ],
)
def test_words_for_pictures_out(word: str, end: File | Drawn | Made) -> None:
    assert parse_choice(video_out=word).video_out == end


@pytest.mark.parametrize(
    "word",
    ["", "mic:", "mic:100", "mic:01", "Mic", "file:", "null", "tone:", "silence:"],
)
def test_what_is_no_sound_source_is_refused(word: str) -> None:
    with pytest.raises(MalformedError) as refusal:
        parse_choice(audio_in=word)

    assert (
        str(refusal.value) == "expected mic[:N|:NAME], tone[:HERTZ], silence or"
        f" file:PATH, got {word!r}"
    )


@pytest.mark.parametrize("hertz", ["19", "20001", "4.5", "-440", "\u0664\u0664\u0660"])
def test_a_tone_is_one_that_people_hear(hertz: str) -> None:
    with pytest.raises(MalformedError, match="expected a tone of 20 to 20000 hertz"):
        parse_choice(audio_in=f"tone:{hertz}")


@pytest.mark.parametrize("word", ["mic", "tone", "speaker:", "null:"])
def test_what_is_no_sound_sink_is_refused(word: str) -> None:
    with pytest.raises(MalformedError, match=r"speaker\[:N\|:NAME\], null or file"):
        parse_choice(audio_out=word)


@pytest.mark.parametrize(
    "word", ["null", "camera:", "camera:x", "screen:", "none:", "pattern:1", "file"]
)
def test_what_is_no_picture_source_is_refused(word: str) -> None:
    with pytest.raises(MalformedError, match="pattern, none or file:PATH, got"):
        parse_choice(video_in=word)


@pytest.mark.parametrize("word", ["file", "file:", "camera", "none", "nul", "kitty:"])
def test_what_is_no_picture_sink_is_refused(word: str) -> None:
    with pytest.raises(
        MalformedError, match="terminal, kitty, window, null or file:PATH, got"
    ):
        parse_choice(video_out=word)


def test_one_file_may_hold_sound_and_pictures() -> None:
    choice = parse_choice(audio_out="file:call.mkv", video_out="file:call.mkv")

    assert choice.audio_out == choice.video_out == File("call.mkv")


def test_sound_alone_is_recorded_as_wav_only() -> None:
    with pytest.raises(MalformedError, match="sound is recorded as"):
        parse_choice(audio_out="file:call.mkv")


def test_pictures_are_not_recorded_as_wav() -> None:
    with pytest.raises(MalformedError, match="pictures are recorded as"):
        parse_choice(video_out="file:call.wav")


def test_pictures_as_they_are_hold_no_sound() -> None:
    with pytest.raises(MalformedError, match="sound is recorded as"):
        parse_choice(audio_out="file:call.y4m", video_out="file:call.y4m")


def test_an_ending_says_that_pictures_are_as_they_are() -> None:
    assert [is_raw(name) for name in ("a.Y4M", "y4m", "a.y4m.mkv")] == [
        True,
        False,
        False,
    ]


def test_a_movie_ending_names_its_container() -> None:
    assert [movie_format(name) for name in ("a.MKV", "a.webm", "a.mp4")] == [
        "matroska",
        "webm",
        None,
    ]


@given(st.text(), st.text(), st.text(), st.text())
def test_any_words_give_a_choice_or_one_error(
    audio_in: str, audio_out: str, video_in: str, video_out: str
) -> None:
    try:
        parse_choice(audio_in, audio_out, video_in=video_in, video_out=video_out)
    except MalformedError:
        return
