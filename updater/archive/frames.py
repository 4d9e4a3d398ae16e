"""zstd frames against a prefix (RFC 8878): the only door to zstd.

A frame may refer back into bytes that both sides have, the prefix, as if they stood
before its content. Imported by patches alone, and the library only when one is made or
applied.
"""

from collections.abc import Iterable, Iterator
from types import ModuleType

from updater.archive.extent import CHUNK_BYTES
from updater.errors import MalformedError, MissingError

MAX_WINDOW_LOG = 27
"""128 MiB: what a frame can make its reader keep, and how far it can refer back."""

MAX_PREFIX_BYTES = 1 << MAX_WINDOW_LOG

_LEAST_PREFIX_BYTES = 8  # zstd takes nothing shorter
_LEAST_WINDOW_LOG = 10
_LONG_DISTANCE_BYTES = 1 << 23  # from here matches lie further back than tables reach


def compress(content: bytes, prefix: bytes, *, level: int) -> bytes:
    """Write one frame.

    Raises:
        MissingError: the library is not installed.
    """
    zstd = _zstd()
    together = len(content) + len(prefix)
    parameter = zstd.CompressionParameter
    options = {
        parameter.compression_level: level,
        parameter.window_log: min(
            MAX_WINDOW_LOG, max(_LEAST_WINDOW_LOG, together.bit_length())
        ),
        parameter.enable_long_distance_matching: int(together > _LONG_DISTANCE_BYTES),
    }
    packed: bytes = zstd.compress(
        content, options=options, zstd_dict=_dictionary(zstd, prefix)
    )
    return packed


def decompress(packed: Iterable[bytes], prefix: bytes, size: int) -> Iterator[bytes]:
    """Read one frame of exactly `size` bytes of content, in bounded steps.

    Raises:
        MalformedError: it is something else, or more than one frame.
        MissingError: the library is not installed.
    """
    zstd = _zstd()
    options = {zstd.DecompressionParameter.window_log_max: MAX_WINDOW_LOG}
    stream = zstd.ZstdDecompressor(_dictionary(zstd, prefix), options)
    left = size
    for chunk in packed:
        if stream.eof:
            raise MalformedError("zstd: expected one frame, came more bytes")
        rest = chunk
        while rest or not (stream.needs_input or stream.eof):
            try:
                content = stream.decompress(rest, min(CHUNK_BYTES, left + 1))
            except zstd.ZstdError:
                raise MalformedError("zstd: expected a frame of ours") from None
            rest, left = b"", left - len(content)
            if left < 0:
                raise MalformedError(f"zstd: expected {size} bytes, came more")
            yield content
    if not stream.eof or stream.unused_data or left:
        raise MalformedError(f"zstd: expected one frame of {size} bytes")


def _dictionary(zstd: ModuleType, prefix: bytes) -> object:
    if len(prefix) < _LEAST_PREFIX_BYTES:
        return None
    return zstd.ZstdDict(prefix, is_raw=True).as_prefix


def _zstd() -> ModuleType:
    try:
        from backports import zstd  # noqa: PLC0415 - only patches need it
    except ImportError:
        raise MissingError("patches need zstd: install ringfence[update]") from None
    module: ModuleType = zstd
    return module
