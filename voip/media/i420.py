"""Between our pictures and PyAV's frames: planes, padding and scale.

PyAV's own conversions need numpy, which is no part of an installation.
"""

import av

from voip.media.pattern import black
from voip.media.sources import Picture


def picture_of(frame: av.VideoFrame, width: int, height: int) -> Picture:
    """Convert a decoded frame, scaled to fit; bars of black keep its proportions.

    Sides are in pixels and even.
    """
    fitted_width, fitted_height = _fit(frame.width, frame.height, width, height)
    scaled = frame.reformat(
        fitted_width, fitted_height, "yuv420p", dst_color_range="MPEG"
    )
    planes = [_tight(plane) for plane in scaled.planes]
    if (fitted_width, fitted_height) == (width, height):
        return Picture(width, height, b"".join(planes))
    return _centred(
        Picture(fitted_width, fitted_height, b"".join(planes)), width, height
    )


def frame_of(picture: Picture) -> av.VideoFrame:
    """Convert a picture into a frame that an encoder takes; it has no time yet."""
    frame = av.VideoFrame(picture.width, picture.height, "yuv420p")
    start = 0
    for plane in frame.planes:
        size = plane.width * plane.height
        plane.update(
            _pad(picture.i420[start : start + size], plane.width, plane.line_size)
        )
        start += size
    return frame


def _fit(width: int, height: int, box_width: int, box_height: int) -> tuple[int, int]:
    """Return the largest even sides of the same proportions inside the box."""
    scale = min(box_width / width, box_height / height)
    return (
        max(2, min(box_width, round(width * scale / 2) * 2)),
        max(2, min(box_height, round(height * scale / 2) * 2)),
    )


def _centred(picture: Picture, width: int, height: int) -> Picture:
    left = (width - picture.width) // 4 * 2  # even, as colours have half the pixels
    top = (height - picture.height) // 4 * 2
    target = bytearray(black(width, height).i420)
    read = write = 0
    for part in (1, 2, 2):
        for row in range(picture.height // part):
            at = write + (top // part + row) * (width // part) + left // part
            line = picture.width // part
            target[at : at + line] = picture.i420[read : read + line]
            read += line
        write += (width // part) * (height // part)
    return Picture(width, height, bytes(target))


def _tight(plane: av.video.plane.VideoPlane) -> bytes:
    """Drop what the codec padded each line with."""
    data, width = bytes(plane), plane.width
    if plane.line_size == width:
        return data[: width * plane.height]
    return b"".join(
        data[start : start + width]
        for start in range(0, plane.line_size * plane.height, plane.line_size)
    )


def _pad(data: bytes, width: int, line_size: int) -> bytes:
    if line_size == width:
        return data
    rest = bytes(line_size - width)
    return b"".join(
        data[start : start + width] + rest for start in range(0, len(data), width)
    )
