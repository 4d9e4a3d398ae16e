"""Places at the page: one household cannot take those of all."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from voip.errors import LimitError
from voip.gateway.guests.threshold import (
    MAX_OPEN_PER_HOUSEHOLD,
    MAX_SOCKETS,
    MAX_SOCKETS_PER_HOUSEHOLD,
    Threshold,
)


def asked(address: str, forwarded: str | None = None) -> web.Request:
    """Give a request as it comes from an address, or through a proxy there."""
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = make_mocked_request("GET", "/", headers=headers)
    return request.clone(remote=address)


Sit = Callable[..., None]


@pytest.fixture
def sit() -> Iterator[Sit]:
    """Give what opens sockets that stay."""
    with ExitStack() as held:

        def opened(threshold: Threshold, *requests: web.Request) -> None:
            for request in requests:
                held.enter_context(threshold.socket(request))

        yield opened


def test_idle_connections_of_one_household_leave_room_for_others() -> None:
    threshold = Threshold(is_proxied=False)
    opened = [threshold.opened("192.0.2.1") for _ in range(MAX_OPEN_PER_HOUSEHOLD + 1)]

    assert (opened.count(True), opened[-1]) == (MAX_OPEN_PER_HOUSEHOLD, False)
    assert threshold.opened("192.0.2.2")


def test_a_connection_that_closed_makes_room() -> None:
    threshold = Threshold(is_proxied=False)
    for _ in range(MAX_OPEN_PER_HOUSEHOLD):
        threshold.opened("192.0.2.1")
    threshold.closed("192.0.2.1")

    assert threshold.opened("192.0.2.1")


def test_sockets_of_one_household_leave_room_for_others(sit: Sit) -> None:
    threshold = Threshold(is_proxied=False)
    sit(threshold, *[asked("192.0.2.1")] * MAX_SOCKETS_PER_HOUSEHOLD)

    with pytest.raises(LimitError, match="too many sockets"):
        sit(threshold, asked("192.0.2.1"))
    sit(threshold, asked("192.0.2.2"))


def test_a_socket_that_closed_makes_room(sit: Sit) -> None:
    threshold = Threshold(is_proxied=False)
    for _ in range(MAX_SOCKETS + 1):
        with threshold.socket(asked("192.0.2.1")):
            pass

    sit(threshold, asked("192.0.2.1"))


def test_a_proxy_says_whose_a_socket_is(sit: Sit) -> None:
    threshold = Threshold(is_proxied=True)
    forged = asked("127.0.0.1", "198.51.100.9, 192.0.2.1")
    sit(threshold, *[forged] * MAX_SOCKETS_PER_HOUSEHOLD)

    with pytest.raises(LimitError, match="too many sockets"):
        sit(threshold, asked("127.0.0.1", "198.51.100.8, 192.0.2.1"))
    sit(threshold, asked("127.0.0.1", "192.0.2.2"))


def test_without_a_proxy_nobody_says_that_he_is_somebody_else(sit: Sit) -> None:
    threshold = Threshold(is_proxied=False)
    sit(threshold, *[asked("192.0.2.1", "x")] * MAX_SOCKETS_PER_HOUSEHOLD)

    with pytest.raises(LimitError, match="too many sockets"):
        sit(threshold, asked("192.0.2.1", "192.0.2.2"))


def test_a_proxy_that_says_nothing_has_the_places_of_all(sit: Sit) -> None:
    threshold = Threshold(is_proxied=True)
    sit(threshold, *[asked("127.0.0.1")] * MAX_SOCKETS)

    with pytest.raises(LimitError, match="too many sockets"):
        sit(threshold, asked("127.0.0.1"))
