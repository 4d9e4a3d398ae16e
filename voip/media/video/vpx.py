"""The door to libvpx: VP8 whose rate, size and key frames change when we say so.

Carrier. FFmpeg's wrapper ignores a changed rate, and opening it again costs a key
frame, which is what a narrow path has least room for. So the library that comes in
PyAV's wheel is called directly. Names and numbers are those of libvpx's
`vpx/vpx_encoder.h`, `vpx/vpx_image.h` and `vpx/vp8cx.h`; that they hold for the library
found is seen by `load` before anything else is done with it.
"""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_uint, c_ulong, c_void_p
from functools import cache
from typing import ClassVar

from voip.errors import MalformedError, MissingError
from voip.media.sources import Picture
from voip.media.wheel import find_library

_ENCODER_ABI = 39  # libvpx 1.16 and 1.17, soname 12; the library checks it as well
_I420 = 0x102  # VPX_IMG_FMT_PLANAR | 2
_REALTIME = 1  # VPX_DL_REALTIME: "encode in less than a frame's time"
_FORCE_KEY = 1  # VPX_EFLAG_FORCE_KF
_CBR = 1
_ROOM = 4096  # bytes for a structure whose end we do not name; the largest has 1 kB

# Numbers of vp8e_enc_control_id.
_CPU_USED, _NOISE, _STATIC, _QUANTIZER, _KEY_PERCENT = 13, 15, 17, 20, 26
_CONTROLS = (
    # Half the time of aiortc's -6 at the same quality; negative: do not adapt to the
    # processor's load, so that a picture does not depend on what else runs.
    (_CPU_USED, -12),
    (_NOISE, 0),  # takes as long as encoding, and the camera does it
    (_STATIC, 1),  # "encode breakout": what did not change is skipped without a look
    (_KEY_PERCENT, 300),  # of a frame's bits at most for a key frame: or it delays
)
_KEY_DISTANCE = 3000  # frames; key frames come when asked for, not by the clock
_QUANTIZERS = 2, 56  # of 0 to 63: below 2 bits are wasted, above 56 faces are gone
_TICKS_PER_S = 90_000
_USUAL = _TICKS_PER_S / 30  # between two pictures, until it is known better
_LONGEST = _TICKS_PER_S / 4
_FOLLOW = 1 / 8  # of a change, for a new frequency to be known after some pictures


class _Rational(ctypes.Structure):
    _fields_: ClassVar = [("num", c_int), ("den", c_int)]


class _Buffer(ctypes.Structure):
    _fields_: ClassVar = [("buf", c_void_p), ("sz", ctypes.c_size_t)]


class _Config(ctypes.Structure):
    """The beginning of vpx_codec_enc_cfg_t, and room for its rest."""

    _fields_: ClassVar = [
        ("g_usage", c_uint),
        ("g_threads", c_uint),
        ("g_profile", c_uint),
        ("g_w", c_uint),
        ("g_h", c_uint),
        ("g_bit_depth", c_int),
        ("g_input_bit_depth", c_uint),
        ("g_timebase", _Rational),
        ("g_error_resilient", c_uint),
        ("g_pass", c_int),
        ("g_lag_in_frames", c_uint),
        ("rc_dropframe_thresh", c_uint),
        ("rc_resize_allowed", c_uint),
        ("rc_scaled_width", c_uint),
        ("rc_scaled_height", c_uint),
        ("rc_resize_up_thresh", c_uint),
        ("rc_resize_down_thresh", c_uint),
        ("rc_end_usage", c_int),
        ("rc_twopass_stats_in", _Buffer),
        ("rc_firstpass_mb_stats_in", _Buffer),
        ("rc_target_bitrate", c_uint),
        ("rc_min_quantizer", c_uint),
        ("rc_max_quantizer", c_uint),
        ("rc_undershoot_pct", c_uint),
        ("rc_overshoot_pct", c_uint),
        ("rc_buf_sz", c_uint),
        ("rc_buf_initial_sz", c_uint),
        ("rc_buf_optimal_sz", c_uint),
        ("rc_2pass_vbr_bias_pct", c_uint),
        ("rc_2pass_vbr_minsection_pct", c_uint),
        ("rc_2pass_vbr_maxsection_pct", c_uint),
        ("rc_2pass_vbr_corpus_complexity", c_uint),
        ("kf_mode", c_int),
        ("kf_min_dist", c_uint),
        ("kf_max_dist", c_uint),
        ("rest", ctypes.c_char * _ROOM),
    ]


class _Packet(ctypes.Structure):
    """The beginning of vpx_codec_cx_pkt_t, as it is for a frame."""

    _fields_: ClassVar = [
        ("kind", c_int),
        ("buf", c_void_p),
        ("sz", ctypes.c_size_t),
    ]


_Room = ctypes.c_char * _ROOM  # for vpx_codec_ctx_t and vpx_image_t, which stay closed


class Library:
    """libvpx with the types of its functions, checked; made by `load`."""

    def __init__(self, path: str) -> None:
        """Load it.

        Raises:
            MissingError: it cannot be loaded, or is not laid out as expected.
        """
        try:
            vpx = ctypes.CDLL(path)
            vpx.vpx_codec_version_str.restype = c_char_p
            vpx.vpx_codec_vp8_cx.restype = c_void_p
            vpx.vpx_codec_enc_config_default.argtypes = (c_void_p, c_void_p, c_uint)
            vpx.vpx_codec_enc_init_ver.argtypes = (
                *(c_void_p, c_void_p, c_void_p),
                *(c_long, c_int),
            )
            vpx.vpx_codec_enc_config_set.argtypes = (c_void_p, c_void_p)
            vpx.vpx_img_wrap.argtypes = (
                *(c_void_p, c_int, c_uint, c_uint, c_uint),
                c_char_p,
            )
            vpx.vpx_img_wrap.restype = c_void_p
            vpx.vpx_codec_encode.argtypes = (
                *(c_void_p, c_void_p, ctypes.c_int64),
                *(c_ulong, c_long, c_ulong),
            )
            vpx.vpx_codec_get_cx_data.argtypes = (c_void_p, c_void_p)
            vpx.vpx_codec_get_cx_data.restype = POINTER(_Packet)
            # Variadic in C: only the first two have a type, and ours are ints.
            vpx.vpx_codec_control_.argtypes = (c_void_p, c_int)
            vpx.vpx_codec_destroy.argtypes = (c_void_p,)
            vpx.vpx_codec_err_to_string.argtypes = (c_int,)
            vpx.vpx_codec_err_to_string.restype = c_char_p
        except (OSError, AttributeError) as error:
            raise MissingError(f"libvpx: {error}") from error
        self.vpx = vpx
        self.vp8 = c_void_p(vpx.vpx_codec_vp8_cx())
        self.version = (vpx.vpx_codec_version_str() or b"").decode("ascii", "replace")

    def defaults(self) -> _Config:
        """Give the encoder's default configuration."""
        config = _Config()
        self.check(self.vpx.vpx_codec_enc_config_default(self.vp8, byref(config), 0))
        return config

    def check(self, code: int) -> None:
        """Raise what the library says went wrong.

        Raises:
            MissingError: the code is not 0.
        """
        if code:
            said = self.vpx.vpx_codec_err_to_string(code) or b"unknown"
            raise MissingError(f"libvpx: {said.decode('ascii', 'replace').lower()}")


@cache
def load(path: str | None = None) -> Library:
    """Load libvpx, from the wheel unless a path is given, and see that we know it.

    Raises:
        MissingError: there is none, or one laid out in another way.
    """
    found = path or find_library("vpx")
    if found is None:
        raise MissingError("libvpx: not found beside PyAV, nor installed")
    library = Library(found)
    config = library.defaults()
    # Values that stand in every release since 2010, from both ends of what we write:
    # a structure that grew a field in between shows them elsewhere.
    seen = (
        *(config.g_w, config.g_h, config.g_timebase.num, config.g_timebase.den),
        *(config.rc_target_bitrate, config.rc_max_quantizer, config.kf_max_dist),
    )
    if seen != (320, 240, 1, 30, 256, 63, 128):
        raise MissingError(f"libvpx {library.version}: its defaults read {seen}")
    context = _Room()
    library.check(  # it refuses another ABI number than that of its own header
        library.vpx.vpx_codec_enc_init_ver(
            context, library.vp8, byref(config), 0, _ENCODER_ABI
        )
    )
    library.vpx.vpx_codec_destroy(context)
    return library


class Vp8Encoder:
    """One VP8 stream; see `voip.media.video.encoding.Encoder`."""

    def __init__(self, width: int, height: int, *, bps: int) -> None:
        """Open it for pictures of this size.

        Raises:
            MissingError: libvpx is not there or not as expected.
        """
        library = load()
        self._library, self._vpx = library, library.vpx
        self._image = _Room()
        self._pace = _Pace()
        self._config = _configured(library, width, height, bps)
        self._quantizer = c_int()
        self._opened = 0, 0
        self._context: ctypes.Array[ctypes.c_char] | None = None
        self._open()

    def encode(self, picture: Picture, pts: int, *, key: bool = False) -> bytes:
        """Encode one picture, read where it lies; `pts` in 1/90000 s, rising.

        Raises:
            MalformedError: a picture of another size than was set.
            MissingError: the encoder is closed, or failed.
        """
        if self._context is None:
            raise MissingError("libvpx: the encoder is closed")
        config = self._config
        if (picture.width, picture.height) != (config.g_w, config.g_h):
            raise MalformedError(
                f"encoder: expected {config.g_w}x{config.g_h}, "
                f"came {picture.width}x{picture.height}"
            )
        self._vpx.vpx_img_wrap(
            self._image, _I420, picture.width, picture.height, 1, picture.i420
        )
        self._library.check(
            self._vpx.vpx_codec_encode(
                self._context,
                self._image,
                *self._pace.next(pts),
                _FORCE_KEY if key else 0,
                _REALTIME,
            )
        )
        return self._coded()

    def set_rate(self, bps: int) -> None:
        """Aim at so many bits a second; no key frame follows."""
        kbps = _kbps(bps)
        if kbps != self._config.rc_target_bitrate:
            self._config.rc_target_bitrate = kbps
            self._configure()

    def set_size(self, width: int, height: int) -> None:
        """Expect pictures of this size; the next is a key frame."""
        if (width, height) == (self._config.g_w, self._config.g_h):
            return
        self._config.g_w, self._config.g_h = width, height
        if width > self._opened[0] or height > self._opened[1]:
            # vp8_cx_iface.c: "Cannot increase width or height larger than their
            # initial values"
            if self._context is not None:
                self.close()
                self._open()
        else:
            self._configure()

    @property
    def quantizer(self) -> int:
        """How coarse the last frame was, 0 to 63."""
        if self._context is not None:
            self._vpx.vpx_codec_control_(
                self._context, _QUANTIZER, byref(self._quantizer)
            )
        return self._quantizer.value

    def close(self) -> None:
        """Free it; a second call does nothing."""
        context, self._context = self._context, None
        if context is not None:
            self._vpx.vpx_codec_destroy(context)

    def __del__(self) -> None:
        # The library's memory is not Python's: who forgets `close` must not leak it.
        if hasattr(self, "_context"):
            self.close()

    def _open(self) -> None:
        """Open for the configuration as it stands."""
        context = _Room()
        self._library.check(
            self._vpx.vpx_codec_enc_init_ver(
                context, self._library.vp8, byref(self._config), 0, _ENCODER_ABI
            )
        )
        self._context = context
        self._opened = self._config.g_w, self._config.g_h
        for control, value in _CONTROLS:
            self._library.check(
                self._vpx.vpx_codec_control_(context, control, c_int(value))
            )

    def _configure(self) -> None:
        if self._context is not None:
            self._library.check(
                self._vpx.vpx_codec_enc_config_set(self._context, byref(self._config))
            )

    def _coded(self) -> bytes:
        """Collect what came out: one frame, or nothing if it was left out."""
        at = c_void_p()
        parts = []
        while packet := self._vpx.vpx_codec_get_cx_data(self._context, byref(at)):
            if packet.contents.kind == 0:  # VPX_CODEC_CX_FRAME_PKT
                parts.append(ctypes.string_at(packet.contents.buf, packet.contents.sz))
        return b"".join(parts)


class _Pace:
    """Even times for uneven ones: every picture as long after the last as is usual.

    Where two of three of a camera's pictures are sent, they are 33 and 67 ms apart in
    turns; libvpx then takes each gap for a new frequency, and 1.3 times its rate.
    """

    def __init__(self) -> None:
        self._came: int | None = None
        self._usual = _USUAL
        self._time = 0

    def next(self, pts: int) -> tuple[int, int]:
        """Give the time and the duration of the next picture."""
        if self._came is not None:
            gap = min(pts - self._came, _LONGEST)  # a pause says nothing
            self._usual += (gap - self._usual) * _FOLLOW
        self._came = pts
        time, duration = self._time, max(1, round(self._usual))
        self._time += duration
        return time, duration


def _configured(library: Library, width: int, height: int, bps: int) -> _Config:
    config = library.defaults()
    config.g_w, config.g_h = width, height
    config.g_timebase.num, config.g_timebase.den = 1, _TICKS_PER_S
    config.g_threads = 1  # the other cores belong to other calls
    config.g_lag_in_frames = 0  # a frame comes out before the next goes in
    config.rc_end_usage = _CBR
    config.rc_target_bitrate = _kbps(bps)
    config.rc_min_quantizer, config.rc_max_quantizer = _QUANTIZERS
    config.rc_undershoot_pct, config.rc_overshoot_pct = 100, 15
    # Milliseconds at the target rate that the decoder is thought to hold; longer ones
    # would let a lively second use up the next.
    config.rc_buf_sz, config.rc_buf_initial_sz = 1000, 500
    config.rc_buf_optimal_sz = 600
    config.kf_max_dist = _KEY_DISTANCE
    return config


def _kbps(bps: int) -> int:
    return max(1, bps // 1000)
