"""What the relay's options mean: a file or an engine, TURN servers and their secret."""

from pathlib import Path

import pytest

from cli.relayplace import StorePlace, parse_store, read_offer, read_secret
from voip.errors import MalformedError, RefusedError


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("0123456789abcdef\n")
    path.chmod(0o600)
    return path


def test_a_store_is_a_file_or_an_engine() -> None:
    found = [
        parse_store(each) for each in ("sqlite:/a/b", "redis://h:1/2", "unix:///s")
    ]

    assert found == [
        StorePlace(Path("/a/b"), None),
        StorePlace(None, "redis://h:1/2"),
        StorePlace(None, "unix:///s"),
    ]


@pytest.mark.parametrize("text", ["sqlite:", "mysql://h", "/a/b"])
def test_another_store_is_refused(text: str) -> None:
    with pytest.raises(MalformedError, match="expected sqlite:PATH"):
        parse_store(text)


@pytest.mark.parametrize("text", ["redis://u:p@h", "redis://h?password=p"])
def test_a_password_in_the_list_of_processes_is_refused(text: str) -> None:
    with pytest.raises(MalformedError, match="--store-password-file"):
        parse_store(text)


def test_an_offer_needs_servers_and_a_secret(secret: Path) -> None:
    offer = read_offer(("turn:turn.example",), secret)

    assert read_offer((), None) is None
    assert offer is not None
    assert (offer.urls, offer.secret) == (("turn:turn.example",), b"0123456789abcdef")


def test_half_an_offer_is_refused(secret: Path) -> None:
    for urls, file in ((("turn:a",), None), ((), secret)):
        with pytest.raises(MalformedError, match="or neither"):
            read_offer(urls, file)


def test_a_secret_that_everybody_can_read_is_refused(secret: Path) -> None:
    secret.chmod(0o644)

    with pytest.raises(RefusedError, match="chmod 600"):
        read_secret(secret)


def test_a_secret_as_systemd_hands_it_over_is_read(secret: Path) -> None:
    secret.chmod(0o440)

    assert read_secret(secret) == "0123456789abcdef"
