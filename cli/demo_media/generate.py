"""Makes the two speech files beside it; run from anywhere as `python generate.py`.

Needs the program `espeak-ng` (Debian package of that name). Its output is the same on
every run, and so are the files: the Ogg container is written without its random serial
number.
"""

import io
import subprocess
from pathlib import Path

import av

HERE = Path(__file__).parent
BIT_RATE = 24_000  # half of what the call itself spends, and still clear speech

ALICE = (
    "Hello Bob, this is Alice."
    " If we both read the same three words, nobody between us can hear this call."
)
BOB = (
    "Hello Alice, this is Bob. I see the same words."
    " The keys were made for this call alone, and are gone when we hang up."
)
VOICES = {  # voice, words a minute, pitch, text
    "alice": ("en-gb+f3", "155", "55", ALICE),
    "bob": ("en-us+m3", "155", "40", BOB),
}


def speak(voice: str, speed: str, pitch: str, text: str) -> bytes:
    """Return the text as a WAV file."""
    return subprocess.run(  # noqa: S603 -- fixed words, no shell
        ["espeak-ng", "-v", voice, "-s", speed, "-p", pitch, "--stdout", text],  # noqa: S607 -- whichever the machine has
        check=True,
        capture_output=True,
    ).stdout


def encode(wav: bytes, path: Path) -> None:
    """Write the WAV file as Opus, 48 kHz mono."""
    with (
        av.open(io.BytesIO(wav), "r") as source,
        av.open(path, "w", format="ogg", options={"fflags": "+bitexact"}) as target,
    ):
        stream = target.add_stream("libopus", rate=48_000, layout="mono")
        stream.bit_rate = BIT_RATE
        resampler = av.AudioResampler(format="s16", layout="mono", rate=48_000)
        for frame in (*source.decode(audio=0), None):
            for part in resampler.resample(frame):
                target.mux(stream.encode(part))
        target.mux(stream.encode(None))


if __name__ == "__main__":
    for name, voice in VOICES.items():
        encode(speak(*voice), HERE / f"{name}.ogg")
