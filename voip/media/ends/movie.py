"""Keeps a call as it was coded on the wire, in Matroska.

Carrier. Nothing is coded a second time: the Opus frames and coded pictures of both
sides become a track each, and what was lost leaves a gap. Writing happens on a thread
of its own, as a slow disk must not be heard in the call.

Matroska names its tracks at the beginning. So the first second is held back until it is
known what there is, and a track that begins later begins a further file,
``NAME-2.mkv``, in which everything goes on.
"""

import io
import struct
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NamedTuple

import av
from av.container import OutputContainer
from av.stream import Stream

from voip.errors import MissingError, RefusedError
from voip.media.ends.writing import CLOSE_S, Writing
from voip.media.sources import FRAME_SAMPLES, SAMPLE_RATE, Track

HELD_BACK_S = 1.0
"""A camera that was on when the recording began has sent a key frame by then or is
asked for one; later tracks cost a further file."""
QUEUE_ITEMS = 1024
"""Frames that wait for the disk: about five seconds of a video call."""
MAX_FILES = 100
"""No call switches cameras oftener; a peer could make one file each time."""

_MILLISECONDS = Fraction(1, 1000)
_FOURCC = {"vp8": b"VP80", "av1": b"AV01"}
_IVF = struct.Struct("<4sHH4sHHIII4x")  # wiki.multimedia.cx/index.php/IVF
_IVF_FRAME = struct.Struct("<IQ")
_TEMPORAL_DELIMITER = bytes.fromhex("1200")
_SEQUENCE_HEADER = 1


class _Sound(NamedTuple):
    ours: bool


_Key = _Sound | Track


class _Item(NamedTuple):
    key: _Key
    frame: bytes
    at_s: float


class CallRecording:
    """A `Recorder` of one call."""

    def __init__(self, path: Path, create: Callable[[Path], BinaryIO]) -> None:
        """Create the file with `create`, which makes a new one for our eyes only.

        Raises:
            RefusedError: it exists.
            MissingError: it cannot be created.
        """
        self.files = [path]
        self._create = create
        self._failure: OSError | None = None
        file = create(path)
        self._writing = Writing[_Item](
            lambda items: self._run(file, items), QUEUE_ITEMS
        )

    def sound(self, frame: bytes, at_s: float, *, ours: bool) -> None:
        """See `Recorder`.

        Raises:
            OSError: the disk is full, or so slow that five seconds wait for it.
        """
        self._put(_Item(_Sound(ours), frame, at_s))

    def picture(self, frame: bytes, at_s: float, *, track: Track) -> None:
        """See `Recorder`.

        Raises:
            OSError: the disk is full, or so slow that five seconds wait for it.
        """
        self._put(_Item(track, frame, at_s))

    def close(self, wait_s: float = CLOSE_S) -> None:
        """Finish the file, and wait so long for its end.

        A second call only waits again. What is not written by then is written
        afterwards, by the thread; a program that ends waits for it, up to 10 s.

        Raises:
            OSError: what was still to be written could not be, or is not yet.
        """
        if not self._writing.close(wait_s):
            raise OSError("the disk is slow, its end is still being written")
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _put(self, item: _Item) -> None:
        if self._failure is not None:
            raise self._failure
        if not self._writing.put(item):
            raise OSError("the disk is too slow for a recording")

    def _run(self, file: BinaryIO, items: Iterator[_Item]) -> None:
        try:
            self._write(_Part(file), items)
        except (OSError, av.FFmpegError, MissingError, RefusedError) as error:
            self._failure = error if isinstance(error, OSError) else OSError(str(error))
            deque(items, maxlen=0)  # what still comes is forgotten

    def _write(self, part: "_Part", items: Iterator[_Item]) -> None:
        shown: set[_Key] = set()
        for item in items:
            if item.key not in shown:
                if not item.frame or not _is_key(item):
                    continue  # no player could show it without what came before
                shown.add(item.key)
            if not part.takes(item):
                part.close()
                part = _Part(self._next_file())
                # Pictures of a new file begin with a key frame, as in the first one.
                shown = {item.key, _Sound(ours=True), _Sound(ours=False)}
            part.add(item)
        part.close()

    def _next_file(self) -> BinaryIO:
        if len(self.files) == MAX_FILES:
            raise OSError(f"a recording has at most {MAX_FILES} files")
        first = self.files[0]
        path = first.with_stem(f"{first.stem}-{len(self.files) + 1}")
        file = self._create(path)
        self.files.append(path)
        return file


class _Part:
    """One file; held back at first, until its tracks are known."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._held: list[_Item] | None = []
        self._tracks: dict[_Key, Stream] = {}
        self._newest: dict[_Key, int] = {}
        self._began: float | None = None
        self._target: OutputContainer | None = None

    def takes(self, item: _Item) -> bool:
        """Tell whether this file has a track for it, or may still get one."""
        return self._held is not None or item.key in self._tracks

    def add(self, item: _Item) -> None:
        if self._began is None:
            self._began = item.at_s
        if self._held is None:
            self._write(item)
            return
        self._held.append(item)
        if item.at_s - self._began >= HELD_BACK_S:
            self._begin()

    def close(self) -> None:
        with self._file:
            if self._held:
                self._begin()
            if self._target is not None:
                self._target.close()

    def _begin(self) -> None:
        held, self._held = self._held or [], None
        target = self._target = av.open(self._file, "w", format="matroska")
        for item in held:
            if item.key not in self._tracks:
                self._tracks[item.key] = _track(target, item)
        for item in held:
            self._write(item)

    def _write(self, item: _Item) -> None:
        assert self._target is not None
        assert self._began is not None
        ms = max(round(1000 * (item.at_s - self._began)), 0)
        # Two packets of one track at one time are refused; an audio frame takes 20 ms.
        ms = max(ms, self._newest.get(item.key, -1) + 1)
        self._newest[item.key] = ms
        packet: av.Packet[Stream] = av.Packet(item.frame)
        packet.stream = self._tracks[item.key]
        packet.time_base = _MILLISECONDS
        packet.pts = packet.dts = ms
        if isinstance(item.key, _Sound):
            packet.duration = 1000 * FRAME_SAMPLES // SAMPLE_RATE
        packet.is_keyframe = _is_key(item)
        self._target.mux(packet)


def _track(target: OutputContainer, item: _Item) -> Stream:
    if isinstance(item.key, _Sound):
        # The encoder is never asked for a frame: it only describes the track.
        sound = target.add_stream("libopus", rate=SAMPLE_RATE, layout="mono")
        sound.metadata["title"] = "our side" if item.key.ours else "other side"
        return sound
    with av.open(io.BytesIO(_ivf(item)), format="ivf") as template:
        pictures = target.add_stream_from_template(
            template.streams.video[0], opaque=True
        )
    side = "our" if item.key.ours else "other"
    pictures.metadata["title"] = f"{side} side, {item.key.kind}"
    return pictures


def _ivf(item: _Item) -> bytes:
    """Write a file of one picture, from which the size and the rest are read."""
    assert isinstance(item.key, Track)
    header = _IVF.pack(b"DKIF", 0, 32, _FOURCC[item.key.codec], 0, 0, 1000, 1, 1)
    return header + _IVF_FRAME.pack(len(item.frame), 0) + item.frame


def _is_key(item: _Item) -> bool:
    """Tell whether a player could begin here; sound can begin anywhere."""
    if isinstance(item.key, _Sound):
        return True
    if item.key.codec == "vp8":
        return not item.frame[0] & 1  # RFC 6386 §9.1
    # AV1 specification §5.3.2: after a temporal delimiter, a sequence header.
    first = item.frame.removeprefix(_TEMPORAL_DELIMITER)[:1]
    return bool(first) and first[0] >> 3 & 0xF == _SEQUENCE_HEADER
