"""Between our pictures and PyAV's frames: planes, padding and scale.

Carrier: scaling is FFmpeg's. Either way a picture is copied once, between its tight
lines and the codec's padded ones.
"""

import av
import numpy as np
import numpy.typing as npt

from voip.media.pattern import black
from voip.media.sources import Picture

_Plane = npt.NDArray[np.uint8]


def picture_of(frame: av.VideoFrame, width: int, height: int) -> Picture:
    """Convert a decoded frame, scaled to fit; bars of black keep its proportions.

    Sides are in pixels and even.
    """
    fitted_width, fitted_height = _fit(frame.width, frame.height, width, height)
    fitted = frame.reformat(
        fitted_width, fitted_height, "yuv420p", dst_color_range="MPEG"
    )
    planes = [_lines(plane) for plane in fitted.planes]
    if (fitted_width, fitted_height) == (width, height):
        return Picture(width, height, _joined(planes))
    return _centred(planes, width, height)


def bounded(frame: av.VideoFrame, width: int, height: int) -> Picture:
    """Convert a frame at its own size, or as large as fits into the sides given."""
    scale = min(width / frame.width, height / frame.height, 1.0)
    return picture_of(
        frame,
        max(2, round(frame.width * scale / 2) * 2),
        max(2, round(frame.height * scale / 2) * 2),
    )


def frame_of(picture: Picture) -> av.VideoFrame:
    """Convert a picture into a frame that an encoder takes; it has no time yet."""
    frame = av.VideoFrame(picture.width, picture.height, "yuv420p")
    start = 0
    for plane in frame.planes:
        size = plane.width * plane.height
        lines = np.frombuffer(picture.i420, np.uint8, size, start)
        _lines(plane)[:] = lines.reshape(plane.height, plane.width)
        start += size
    return frame


def scaled(picture: Picture, width: int, height: int) -> Picture:
    """Give the picture at another size, proportions as they come; sides are even."""
    if (width, height) == (picture.width, picture.height):
        return picture
    frame = frame_of(picture).reformat(width, height)
    return Picture(width, height, _joined([_lines(plane) for plane in frame.planes]))


def _fit(width: int, height: int, box_width: int, box_height: int) -> tuple[int, int]:
    """Return the largest even sides of the same proportions inside the box."""
    scale = min(box_width / width, box_height / height)
    return (
        max(2, min(box_width, round(width * scale / 2) * 2)),
        max(2, min(box_height, round(height * scale / 2) * 2)),
    )


def _centred(planes: list[_Plane], width: int, height: int) -> Picture:
    """Put the planes of a smaller picture into the middle of a black one."""
    target = np.frombuffer(bytearray(black(width, height).i420), np.uint8)
    top = (height - planes[0].shape[0]) // 4 * 2
    left = (width - planes[0].shape[1]) // 4 * 2  # even: colours have half the pixels
    start = 0
    for part, plane in zip((1, 2, 2), planes, strict=True):
        end = start + width // part * (height // part)
        lines = target[start:end].reshape(height // part, width // part)
        y, x = top // part, left // part
        lines[y : y + plane.shape[0], x : x + plane.shape[1]] = plane
        start = end
    return Picture(width, height, target.tobytes())


def _lines(plane: av.video.plane.VideoPlane) -> _Plane:
    """Look at a plane where it lies, without what pads its lines."""
    padded = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return padded[: plane.height, : plane.width]


def _joined(planes: list[_Plane]) -> bytes:
    return b"".join(np.ascontiguousarray(plane).data for plane in planes)
