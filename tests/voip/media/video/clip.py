"""A clip to encode: a background that pans, a face that moves, and a camera's noise."""

import numpy as np
import numpy.typing as npt

from voip.media.sources import Picture

Plane = npt.NDArray[np.float64]


def clip(width: int, height: int, pictures: int, *, seed: int = 1) -> list[Picture]:
    """Draw so many pictures, always the same ones for a seed; sides are even."""
    rng = np.random.default_rng(seed)
    # Larger than the picture by as far as it pans.
    high, wide = height + 32, width + 128
    luma = 40 + 120 * _clouds(rng, high, wide, 64) + 40 * _clouds(rng, high, wide, 9)
    colours = [96 + 64 * _clouds(rng, high, wide, 75)[::2, ::2] for _ in range(2)]
    face = 60 + 100 * _clouds(rng, height // 3, width // 4, 6)
    drawn = []
    for number in range(pictures):
        left = int(20 + 15 * np.sin(number / 20)) * 2
        top = int(10 + 8 * np.sin(number / 13)) // 2 * 2
        y = luma[top : top + height, left : left + width].copy()
        x_face = int(width * (3 / 8 + np.sin(number / 15) / 6))
        y_face = int(height * (1 / 3 + np.cos(number / 11) / 10))
        y[y_face : y_face + face.shape[0], x_face : x_face + face.shape[1]] = face
        y += rng.normal(0, 1.5, y.shape)
        rows = slice(top // 2, (top + height) // 2)
        columns = slice(left // 2, (left + width) // 2)
        planes = [y, *(plane[rows, columns] for plane in colours)]
        i420 = b"".join(np.clip(p, 16, 235).astype(np.uint8).tobytes() for p in planes)
        drawn.append(Picture(width, height, i420))
    return drawn


def psnr(one: Picture, other: Picture) -> float:
    """Compare brightness, in decibels: 40 looks the same, 30 does not."""
    size = one.width * one.height
    first, second = (
        np.frombuffer(picture.i420, np.uint8, size).astype(np.int32)
        for picture in (one, other)
    )
    error = float(np.mean((first - second) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def _clouds(rng: np.random.Generator, height: int, width: int, size: int) -> Plane:
    """Draw smooth noise from 0 to 1, with clouds of `size` pixels."""
    coarse = rng.random((height // size + 2, width // size + 2))
    y, x = np.arange(height) / size, np.arange(width) / size
    rows, columns = y.astype(int), x.astype(int)
    down, right = (y - rows)[:, None], (x - columns)[None, :]
    upper, lower = coarse[rows], coarse[rows + 1]
    top = upper[:, columns] * (1 - right) + upper[:, columns + 1] * right
    bottom = lower[:, columns] * (1 - right) + lower[:, columns + 1] * right
    mixed: Plane = top * (1 - down) + bottom * down
    return mixed
