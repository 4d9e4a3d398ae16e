"""Wheels as we write them: same files, same bytes."""

import itertools
import zipfile
from io import BytesIO

import pytest

from tests.updater.wheels import APP, EPOCH, sha256
from updater.archive.extent import in_memory
from updater.archive.packing import (
    MAX_ENTRIES,
    NewEntry,
    format_record,
    pure_wheel,
    write_archive,
    write_wheel,
)
from updater.archive.wheel import open_wheel
from updater.errors import MalformedError

VECTOR = (
    NewEntry("t/__init__.py", b""),
    NewEntry("t/\u00e9.txt", b"x\n"),
    NewEntry("t/run.sh", b"#!/bin/sh\n", executable=True),
    NewEntry("t-1.dist-info/WHEEL", b"Wheel-Version: 1.0\n"),
    NewEntry("t-1.dist-info/RECORD", b""),
)


def test_the_published_vector_comes_out() -> None:
    made = write_wheel(VECTOR, EPOCH)

    assert (len(made), sha256(made)) == (
        569,
        "d0feb6b50ee84617a92c626497091f594added0ec6e757df95405fd50fac9394",
    )


def test_the_order_of_files_does_not_matter() -> None:
    made = {write_wheel(order, EPOCH) for order in itertools.permutations(VECTOR)}

    assert len(made) == 1


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [
        (0, (1980, 1, 1, 0, 0, 0)),
        (EPOCH, (2025, 6, 15, 15, 6, 40)),
        (EPOCH + 1, (2025, 6, 15, 15, 6, 40)),
        (2**33, (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_times_are_those_that_a_zip_can_say(
    epoch: int, expected: tuple[int, ...]
) -> None:
    with zipfile.ZipFile(BytesIO(write_archive([VECTOR[0]], epoch))) as theirs:
        assert theirs.infolist()[0].date_time == expected


def test_an_archive_that_would_need_zip64_is_refused() -> None:
    with pytest.raises(MalformedError, match="at most 65534 entries, came 65535"):
        write_archive([VECTOR[0]] * (MAX_ENTRIES + 1), EPOCH)


def test_a_record_names_files_with_their_hashes_and_itself_without() -> None:
    record = format_record([NewEntry("b", b""), NewEntry("a,b", b"x")], "R")

    assert record == (
        b'"a,b",sha256=LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE,1\n'
        b"b,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n"
        b"R,,\n"
    )


def test_a_wheel_of_pure_python_is_a_strict_one() -> None:
    name, data = pure_wheel("app", "1.0", APP, epoch=EPOCH)
    wheel = open_wheel(name, in_memory(data))
    files = {file.path: b"".join(chunks) for file, chunks in wheel.unpack(len)}

    assert name == "app-1.0-py3-none-any.whl"
    assert files.items() >= APP.items()
    assert files["app-1.0.dist-info/METADATA"] == (
        b"Metadata-Version: 2.1\nName: app\nVersion: 1.0\n"
    )
