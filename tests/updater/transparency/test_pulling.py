"""A witness that reads a static log, and one that keeps its entries."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.updater.transparency.logs import (
    LOG,
    ORIGIN,
    TIME,
    Folder,
    checkpoint,
    signed,
    witness,
)
from updater.errors import DeclinedError, ProofError, RefusedError, UnreachableError
from updater.transparency.checkpoint import open_checkpoint, sign_checkpoint
from updater.transparency.cosigning import place_of
from updater.transparency.growth import Edge, grow, partial_files
from updater.transparency.pulling import Puller
from updater.transparency.witness import Witness

LOGS = {ORIGIN: (LOG.verifier,)}
PLAIN = witness(1)
MIRROR = witness(2, "w2.example/mirror")


def puller(folder: Path, *, mirror: Path | None = None) -> Puller:
    keys = [PLAIN if mirror is None else MIRROR]
    ours = Witness(folder / "w.sqlite", keys, LOGS, now=lambda: TIME, is_trusting=True)
    return Puller(ours, LOGS, folder / "shown", mirror=mirror)


def log(size: int, name: str = "checkpoint") -> Folder:
    folder = Folder(size)
    folder.files[name] = signed(size=size)
    return folder


def shown(folder: Path) -> bytes:
    return (folder / "shown" / place_of(ORIGIN) / "checkpoint").read_bytes()


def test_it_cosigns_what_the_log_shows_and_what_follows(tmp_path: Path) -> None:
    pulling = puller(tmp_path)
    for size in (3, 300):
        pulling.pull(log(size).read)
        opened = open_checkpoint(shown(tmp_path), [LOG.verifier], [PLAIN.verifier])

        assert opened.checkpoint == checkpoint(size)
        assert opened.cosignatures == {PLAIN.verifier: (TIME,)}


def test_what_is_pending_comes_before_what_is_shown(tmp_path: Path) -> None:
    folder = log(4, "checkpoint.pending")
    folder.files["checkpoint"] = signed(size=3)

    assert puller(tmp_path).pull(folder.read).size == 4


def test_a_log_that_shows_nothing_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="shows no checkpoint"):
        puller(tmp_path).pull(Folder(3).read)


def test_tiles_of_another_tree_are_refused(tmp_path: Path) -> None:
    folder = log(300)
    folder.files["tile/0/001.p/44"] = bytes(44 * 32)

    with pytest.raises(ProofError):
        puller(tmp_path).pull(folder.read)
    assert not (tmp_path / "shown").exists()


def test_a_log_that_grew_from_another_tree_is_refused(tmp_path: Path) -> None:
    pulling = puller(tmp_path)
    pulling.pull(log(3).read)
    fork = forked([b"other", b"1", b"2", b"3"])

    with pytest.raises(DeclinedError) as caught:
        pulling.pull(fork.read)
    assert caught.value.status == 422


def forked(entries: list[bytes]) -> Folder:
    """Give a whole log of other entries, signed by the same key."""
    growth = grow(Edge(), entries)
    folder = Folder(0)
    folder.files = dict([*growth.files, *partial_files(growth.edge)])
    head = replace(checkpoint(len(entries)), root=growth.edge.root)
    folder.files["checkpoint"] = sign_checkpoint(head, LOG)
    return folder


def test_a_log_that_shrank_is_refused(tmp_path: Path) -> None:
    pulling = puller(tmp_path)
    pulling.pull(log(4).read)

    with pytest.raises(DeclinedError) as caught:
        pulling.pull(log(3).read)
    assert (caught.value.status, shown(tmp_path)[:30]) == (400, signed(size=4)[:30])


def test_a_mirror_holds_the_log_before_it_signs(tmp_path: Path) -> None:
    pulling = puller(tmp_path, mirror=tmp_path / "mirror")
    pulling.pull(log(300).read)
    pulling.pull(log(301).read)
    kept = {
        path.relative_to(tmp_path / "mirror").as_posix(): path.read_bytes()
        for path in (tmp_path / "mirror").rglob("*")
        if path.is_file()
    }

    assert kept == Folder(300).files | Folder(301).files


def test_a_mirror_keeps_nothing_of_a_tree_that_it_does_not_sign(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    pulling = puller(tmp_path, mirror=mirror)
    pulling.pull(log(3).read)

    with pytest.raises(DeclinedError):
        pulling.pull(forked([b"other", b"1", b"2", b"3"]).read)
    assert not (mirror / "tile/entries/000.p/4").exists()


def test_a_mirror_holds_what_it_signs_and_not_what_it_read_before(
    tmp_path: Path,
) -> None:
    mirror, place = tmp_path / "mirror", "tile/entries/000.p/4"
    (mirror / place).parent.mkdir(parents=True)
    (mirror / place).write_bytes(b"of a tree that was never signed")

    puller(tmp_path, mirror=mirror).pull(log(4).read)

    assert (mirror / place).read_bytes() == Folder(4).files[place]


@pytest.mark.parametrize("path", ["tile/entries/000", "tile/0/000"])
def test_a_mirror_does_not_sign_what_it_cannot_hold(tmp_path: Path, path: str) -> None:
    folder = log(300)
    folder.files[path] = folder.files[path][:-1] + b"\0"

    with pytest.raises(ProofError):
        puller(tmp_path, mirror=tmp_path / "mirror").pull(folder.read)
    assert not (tmp_path / "shown").exists()


@pytest.mark.parametrize("mirrors", [True, False])
def test_a_key_says_whether_it_mirrors(tmp_path: Path, *, mirrors: bool) -> None:
    key = PLAIN if mirrors else MIRROR
    ours = Witness(tmp_path / "w.sqlite", [key], LOGS, now=lambda: TIME)
    mirror = tmp_path / "mirror" if mirrors else None

    with pytest.raises(RefusedError, match="if and only if"):
        Puller(ours, LOGS, tmp_path / "shown", mirror=mirror)
