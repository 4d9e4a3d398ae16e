"""The guard in conftest.py bites: no test can reach another machine."""

import socket

import pytest


def test_a_connection_to_another_machine_is_refused() -> None:
    with (
        socket.socket() as connection,
        pytest.raises(RuntimeError, match="stay on loopback"),
    ):
        connection.connect(("192.0.2.1", 443))


def test_a_packet_to_another_machine_is_refused() -> None:
    with (
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender,
        pytest.raises(RuntimeError, match="stay on loopback"),
    ):
        sender.sendto(b"x", ("2001:db8::1", 53))


def test_a_name_server_is_not_asked() -> None:
    with pytest.raises(RuntimeError, match="refused to look up"):
        socket.getaddrinfo("relay.example", 443)


def test_a_packet_to_this_machine_goes_out() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))

        assert sender.sendto(b"x", sender.getsockname()) == 1
