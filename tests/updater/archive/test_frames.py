"""zstd frames against a prefix, read in bounded steps."""

import sys

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from updater.archive.extent import CHUNK_BYTES
from updater.archive.frames import MAX_WINDOW_LOG, compress, decompress
from updater.errors import MalformedError, MissingError

PREFIX = bytes(range(256)) * 40
CONTENT = PREFIX[:5_000] + b"changed" + PREFIX[5_000:]
FRAME = compress(CONTENT, PREFIX, level=9)


def _read(packed: bytes, size: int, prefix: bytes = PREFIX) -> bytes:
    return b"".join(decompress((packed,), prefix, size))


@given(st.binary(max_size=300), st.binary(max_size=300), st.integers(1, 19))
def test_content_comes_back(content: bytes, prefix: bytes, level: int) -> None:
    packed = compress(content, prefix, level=level)

    assert _read(packed, len(content), prefix) == content


def test_what_is_in_the_prefix_costs_next_to_nothing() -> None:
    assert len(FRAME) < len(CONTENT) / 100


@pytest.mark.parametrize("size", [1, 7, len(FRAME)])
def test_a_frame_may_come_in_pieces(size: int) -> None:
    pieces = [FRAME[at : at + size] for at in range(0, len(FRAME), size)]

    assert b"".join(decompress(pieces, PREFIX, len(CONTENT))) == CONTENT


def test_large_content_is_given_in_bounded_steps() -> None:
    content = bytes(20 * CHUNK_BYTES)
    packed = compress(content, content, level=1)

    chunks = decompress((packed,), content, len(content))

    assert max(map(len, chunks)) <= CHUNK_BYTES


def _window(log: int) -> bytes:
    options: dict[int, int] = {zstd.CompressionParameter.window_log: log}
    stream = zstd.ZstdCompressor(options=options)
    return stream.compress(bytes(1000), stream.FLUSH_BLOCK) + stream.flush()


@pytest.mark.parametrize(
    ("packed", "size", "why"),
    [
        (b"", 0, "one frame of 0 bytes"),
        (b"PK\3\4" * 9, 9, "a frame of ours"),
        (FRAME[:-1], len(CONTENT), "one frame of"),
        (FRAME + b"x", len(CONTENT), "one frame of"),
        (FRAME + FRAME, len(CONTENT), "one frame of"),
        (FRAME, len(CONTENT) + 1, "one frame of"),
        (FRAME, len(CONTENT) - 1, "came more"),
        (FRAME, 0, "came more"),
        (zstd.compress(bytes(1 << 24)), 100, "expected 100 bytes, came more"),
        (b"\x50\x2a\x4d\x18\4\0\0\0skip", 4, "one frame of 4"),
        (_window(MAX_WINDOW_LOG + 1), 1000, "a frame of ours"),
    ],
)
def test_anything_else_is_refused(packed: bytes, size: int, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        _read(packed, size)


def test_the_largest_window_of_ours_is_read() -> None:
    assert _read(_window(MAX_WINDOW_LOG), 1000, b"") == bytes(1000)


def test_bytes_after_a_frame_that_ends_with_its_piece_are_refused() -> None:
    with pytest.raises(MalformedError, match="came more bytes"):
        list(decompress((FRAME, b"x"), PREFIX, len(CONTENT)))


def test_another_prefix_does_not_give_the_content() -> None:
    try:
        found = _read(FRAME, len(CONTENT), bytes(len(PREFIX)))
    except MalformedError:
        return

    assert found != CONTENT


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_malformed(packed: bytes) -> None:
    for data in (packed, FRAME[:12] + packed):
        try:
            _read(data, 100)
        except MalformedError:
            continue


def test_without_the_library_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "backports", None)

    with pytest.raises(MissingError, match=r"install ringfence\[update\]"):
        compress(CONTENT, PREFIX, level=9)
