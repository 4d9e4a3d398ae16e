"""A passphrase comes from a file, a descriptor or a terminal, and from nowhere else."""

import os
from pathlib import Path

import click
import pytest

from cli.home import Home, read_passphrase
from voip.identity.unlock import Keyring, Passphrase


@pytest.mark.parametrize("content", [b"correct horse", b"correct horse\n"])
def test_one_line_end_is_not_part_of_a_passphrase(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "secret").write_bytes(content)

    assert read_passphrase(tmp_path / "secret") == b"correct horse"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"\n", "expected a passphrase, came nothing"), (b"x" * 1025, "at most 1024")],
)
def test_a_file_that_holds_no_passphrase_is_refused(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    (tmp_path / "secret").write_bytes(content)

    with pytest.raises(click.UsageError, match=sentence):
        read_passphrase(tmp_path / "secret")


def test_a_descriptor_gives_the_passphrase(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"correct horse\n")
    os.close(writer)
    unlock = Home(tmp_path, passphrase_fd=reader).unlock()

    assert unlock == Passphrase(b"correct horse")


def test_a_descriptor_that_is_not_open_is_wrong_usage(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)

    with pytest.raises(click.UsageError, match=f"descriptor {reader}: Bad file"):
        Home(tmp_path, passphrase_fd=reader).unlock()


def test_nobody_is_asked_where_nobody_sits(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="no terminal to ask"):
        Home(tmp_path).unlock()


def test_the_keyring_needs_no_passphrase(tmp_path: Path) -> None:
    assert Home(tmp_path, keyring=True).unlock() == Keyring()
