"""Feed a decoder frames that somebody has tampered with; run as a program.

It says how many there were, and whether the memory stayed within bounds.
"""

import random
import sys

from tests.memory import peak_kb
from tests.voip.media.video.clip import clip
from voip.description import Codec
from voip.errors import MalformedError
from voip.media.i420 import picture_of
from voip.media.video.decoding import FrameDecoder
from voip.media.video.encoders import open_encoder

MAX_KB = 400_000  # libraries, and a few pictures of the largest size
SIZE = 128, 96
RESTART_EVERY = 10  # a decoder that has given up on a stream tries nothing more


def frames(codec: Codec) -> list[bytes]:
    encoder = open_encoder(codec, *SIZE, bps=200_000)
    made = [
        encoder.encode(picture, number * 3000, key=number % 10 == 0)
        for number, picture in enumerate(clip(*SIZE, 30))
    ]
    encoder.close()
    return made


def tampered(rng: random.Random, honest: list[bytes]) -> bytes:
    frame = bytearray(rng.choice(honest))
    match rng.randrange(8):
        case 0 | 6 | 7:  # single bits, often where the headers are
            for _ in range(rng.randint(1, 8)):
                at = rng.randrange(min(len(frame), rng.choice([32, 64, 10_000])))
                frame[at] ^= 1 << rng.randrange(8)
        case 1:
            del frame[rng.randrange(len(frame)) :]
        case 2:
            at = rng.randrange(len(frame))
            frame[at : at + rng.randrange(40)] = rng.randbytes(rng.randrange(40))
        case 3:  # the beginning of one and the end of another
            frame[rng.randrange(len(frame)) :] = rng.choice(honest)
        case 4:
            frame[rng.randrange(len(frame)) :] = rng.randbytes(rng.randrange(2000))
        case _:  # another size than that of the frames before
            if not frame[0] & 1 and len(frame) > 10:
                frame[6:10] = rng.randbytes(4)
    return bytes(frame)


def main() -> None:
    codec, seed, number = Codec[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    honest = frames(codec)
    decoder = FrameDecoder(codec)
    reached = 0
    for count in range(number):
        if count % RESTART_EVERY == 0:
            decoder = FrameDecoder(codec)
            decoder.decode(honest[0])
        data = tampered(rng, honest)
        try:
            decoder.look(data)
            reached += 1
            for frame in decoder.decode(data):
                picture_of(frame, frame.width & ~1, frame.height & ~1)
        except MalformedError:
            continue
    assert reached > number // 4, f"only {reached} reached the decoder"
    used = peak_kb()
    held = "held" if used < MAX_KB else f"{used} kB"
    sys.stdout.write(f"{number} frames, memory {held}\n")


if __name__ == "__main__":
    main()
