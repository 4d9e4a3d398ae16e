"""Writes speech.flac: 30 s of two voices in turn, on which sound is scored.

Made, not recorded, so that there is nobody's voice to ask for and anybody can make it
again; eSpeak NG 1.51 (`espeak-ng` in Debian) and PyAV 18.1 wrote what lies here:

    python tests/frozen/speech/generate.py
"""

import io
import subprocess
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

RATE = 48_000
SECONDS = 30
LEVEL = 2600  # RMS of what is said: 22 dB under full scale, as telephony has it
PAUSE = np.zeros(RATE * 45 // 100, np.int16)
VOICES = (("en-gb", "-p", "42", "-s", "155"), ("en-us+f3", "-p", "58", "-s", "165"))
SENTENCES = (
    "The harbour was quiet when the first boats came home.",
    "She found seven yellow pencils under the old piano.",
    "Please check whether the kitchen window is still open.",
    "Five judges thought the question over for a whole week.",
    "A cold wind pushed the paper across the empty square.",
    "My brother keeps his fishing gear behind the garage door.",
    "Could you bring both of the green chairs over here?",
    "Fresh bread and thick soup make a very good lunch.",
)


def say(sentence: str, voice: tuple[str, ...]) -> NDArray[np.float64]:
    """Let espeak-ng say a sentence; give it at 48 kHz and the level wanted."""
    name, *settings = voice
    wav = subprocess.run(
        ["espeak-ng", "-v", name, *settings, "--stdout", sentence],
        check=True,
        capture_output=True,
    ).stdout
    resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(io.BytesIO(wav), "r") as container:
        frames = [
            part
            for frame in (*container.decode(audio=0), None)
            for part in resampler.resample(frame)
        ]
    sound = np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(float)
    loud = sound[np.abs(sound) > 100]
    level = float(np.sqrt((loud**2).mean()))
    return (sound * (LEVEL / level)).clip(-32000, 32000)


def main() -> None:
    """Write the file beside this one."""
    parts: list[NDArray[np.int16]] = []
    for turn, sentence in enumerate(SENTENCES):
        parts += [say(sentence, VOICES[turn % 2]).round().astype(np.int16), PAUSE]
    sound = np.concatenate(parts)
    sound = np.pad(sound, (0, RATE * SECONDS))[: RATE * SECONDS]
    path = Path(__file__).with_name("speech.flac")
    with av.open(str(path), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=RATE, layout="mono")
        stream.options = {"compression_level": "12"}
        frame = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
        frame.rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main()
