"""Source archives: one spelling of the same files."""

import gzip
import io
import itertools
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.archive.gzips import format_gzip
from reproducible.archive.sdists import (
    MAX_EPOCH,
    canonical_sdist,
    open_sdist,
    write_tar,
)
from tests.reproducible.archive.tarballs import END, Form, header, made_by_tarfile
from tests.updater.wheels import EPOCH, sha256
from updater.archive.extent import in_memory
from updater.archive.packing import NewEntry
from updater.archive.ustar import read_members
from updater.errors import MalformedError

LONG = "wheels/" + "x" * 101 + ".whl"
FILES = (
    NewEntry("t-1/\u00e9.txt", b"x\n"),
    NewEntry("t-1/run.sh", b"#!/bin/sh\n", executable=True),
    NewEntry(f"t-1/{'long/' * 30}b.py", b"B = 1\n"),
)


def test_the_published_vectors_come_out() -> None:
    made = write_tar([NewEntry("a", b"abc"), NewEntry(LONG, b"abc")], EPOCH)
    packed = format_gzip(made)

    assert (len(made), sha256(made)) == (
        10_240,
        "4de4cdb767cb14869c5ca0f11c1920098fb92a9e13570980a80626cf10049c57",
    )
    assert (len(packed), sha256(packed)) == (
        10_263,
        "fb21fd3152e80e8f0484e2e6ca6f92f36aec00cf649ded009063b66a39dbffd6",
    )


def test_the_worked_example_comes_out() -> None:
    packed = format_gzip(write_tar([NewEntry("t-1/a.py", b"A = 1\n")], EPOCH))

    assert packed.startswith(
        bytes.fromhex("1f8b08000000000000ff010028ffd7742d312f612e7079")
    )
    assert sha256(packed) == (
        "cc82a26acc51d782e1fba002b1562612c8f2d7015bc6db9ad3fbcdd3baa00ed6"
    )


def test_the_order_of_files_does_not_matter() -> None:
    made = {write_tar(order, EPOCH) for order in itertools.permutations(FILES)}

    assert len(made) == 1


def test_files_are_sorted_by_their_bytes() -> None:
    tar = write_tar([NewEntry(name, b"") for name in ("\U0001f600", "\ufb00", "b")], 0)
    found = [member.name for member, _ in read_members(in_memory(tar), most=3)]

    assert found == ["b", "\ufb00", "\U0001f600"]


def test_what_is_written_is_read() -> None:
    tar = write_tar(FILES, EPOCH)
    found = {
        NewEntry(each.name, part.read(0, part.size), executable=each.executable)
        for each, part in read_members(in_memory(tar), most=9)
    }

    assert found == set(FILES)


@pytest.mark.parametrize("epoch", [0, MAX_EPOCH])
def test_times_from_1970_to_2242_can_be_said(epoch: int) -> None:
    tar = write_tar(FILES[:1], epoch)

    assert next(read_members(in_memory(tar), most=1))[0].mtime == epoch


@pytest.mark.parametrize("epoch", [-1, MAX_EPOCH + 1])
def test_other_times_are_refused(epoch: int) -> None:
    with pytest.raises(MalformedError, match=f"came {epoch}"):
        write_tar(FILES, epoch)


@pytest.mark.parametrize(
    "names", [("a", "a"), ("a", "A"), ("a", "a/b"), ("../a",), ("\ud800",)], ids=repr
)
def test_names_that_cannot_be_together_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(MalformedError, match="path"):
        write_tar([NewEntry(name, b"") for name in names], EPOCH)


@pytest.mark.parametrize("mtime", [0, EPOCH, EPOCH + 0.5])
@pytest.mark.parametrize(
    "form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
)
@pytest.mark.parametrize("level", [1, 9])
def test_how_a_backend_packs_does_not_matter(
    form: Form, mtime: float, level: int
) -> None:
    raw = gzip.compress(made_by_tarfile(form, mtime=int(mtime)), level)

    assert canonical_sdist(raw, EPOCH) == format_gzip(write_tar(FILES, EPOCH))


def test_a_canonical_sdist_stays_as_it_is() -> None:
    once = canonical_sdist(gzip.compress(made_by_tarfile()), EPOCH)

    assert canonical_sdist(once, EPOCH) == once


def test_everybody_reads_a_canonical_sdist() -> None:
    made = canonical_sdist(gzip.compress(made_by_tarfile()), EPOCH)
    with tarfile.open(fileobj=io.BytesIO(made)) as tar:
        found = {each.name: (each.mode, each.mtime) for each in tar.getmembers()}

    assert found == {
        each.name: (0o755 if each.executable else 0o644, EPOCH) for each in FILES
    }


def test_a_link_is_not_lost_in_silence() -> None:
    tar = header("t/l", type=tarfile.SYMTYPE, linkname="a") + END

    with pytest.raises(MalformedError, match="'t/l': expected no link"):
        canonical_sdist(gzip.compress(tar), EPOCH)


def test_an_sdist_gives_its_members_with_their_bytes() -> None:
    sdist = open_sdist(gzip.compress(made_by_tarfile()))
    found = {
        NewEntry(each.name, sdist.data(each), executable=each.executable)
        for each in sdist.entries
        if each.kind == "file"
    }

    assert found == set(FILES)
    assert sdist.top == "t-1"


@pytest.mark.parametrize(
    ("tar", "came"),
    [
        (END, "came 0 with 0 files"),
        (header("t/a") + header("s/a") + END, "came 2 with 0 files"),
        (header("t/a") + header("b") + END, "came 2 with 1 files"),
        (header("a") + END, "came 1 with 1 files"),
    ],
    ids=range(4),
)
def test_all_of_an_sdist_lies_in_one_folder(tar: bytes, came: str) -> None:
    with pytest.raises(MalformedError, match=f"one top folder, {came}"):
        open_sdist(gzip.compress(tar))


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_changed_byte_of_the_files_is_overlooked(position: int, change: int) -> None:
    tar = made_by_tarfile()
    mangled = bytearray(format_gzip(tar))
    mangled[position % len(mangled)] ^= change
    try:
        found = open_sdist(bytes(mangled)).gzip.data
    except MalformedError:
        return

    # Only fields of the gzip header can change: the sums are of all that follows.
    assert found == tar
