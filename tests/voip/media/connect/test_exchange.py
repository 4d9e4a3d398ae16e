"""One request to a server: when it is repeated, and what counts as an answer."""

import asyncio
from collections.abc import Callable

import pytest
from aioice import stun

from tests.voip.media.connect.virtual import Network, run
from voip.media.connect.exchange import RTO_S, SENDS, Exchange

SERVER = ("192.0.2.100", 3478)
KEY = b"key"


def _answer(
    kind: stun.Class = stun.Class.RESPONSE,
    *,
    code: int | None = None,
    key: bytes | None = None,
) -> stun.Message:
    answer = stun.Message(stun.Method.BINDING, kind)
    if code is not None:
        answer.attributes["ERROR-CODE"] = (code, "")
    if key is not None:
        answer.add_message_integrity(key)
    return answer


def _ask(then: Callable[[Exchange], None], *, key: bytes | None = None) -> list[float]:
    """Ask, let something happen after a second, and give when it was sent."""
    sent: list[float] = []

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        exchange = Exchange(lambda: sent.append(loop.time() - began), key=key)
        loop.call_later(1.0, then, exchange)
        await exchange.run()
        return sent

    return run(Network(), main())


def test_it_is_repeated_until_it_is_answered() -> None:
    sent = _ask(lambda exchange: exchange.response_received(_answer(), SERVER))

    assert sent == pytest.approx([0.0, RTO_S, 3 * RTO_S])


def test_no_answer_is_an_error_in_the_end() -> None:
    sent: list[float] = []

    async def main() -> None:
        await Exchange(lambda: sent.append(0.0)).run()

    with pytest.raises(stun.TransactionTimeout):
        run(Network(), main())
    assert len(sent) == SENDS


def test_a_refusal_is_an_error() -> None:
    refusal = _answer(stun.Class.ERROR, code=400)

    with pytest.raises(stun.TransactionFailed):
        _ask(lambda exchange: exchange.response_received(refusal, SERVER))


def test_a_signed_answer_counts_where_it_must_be() -> None:
    answer = _answer(key=KEY)

    assert _ask(lambda exchange: exchange.response_received(answer, SERVER), key=KEY)


@pytest.mark.parametrize(
    "answer",
    [_answer(), _answer(key=b"other"), _answer(stun.Class.ERROR, code=400)],
    ids=["unsigned", "wrong key", "unsigned error"],
)
def test_an_answer_that_does_not_authenticate_changes_nothing(
    answer: stun.Message,
) -> None:
    with pytest.raises(stun.TransactionTimeout):
        _ask(lambda exchange: exchange.response_received(answer, SERVER), key=KEY)


@pytest.mark.parametrize("code", [401, 438])
def test_a_new_realm_or_nonce_cannot_be_signed_yet(code: int) -> None:
    answer = _answer(stun.Class.ERROR, code=code)

    with pytest.raises(stun.TransactionFailed):
        _ask(lambda exchange: exchange.response_received(answer, SERVER), key=KEY)


def test_a_second_answer_changes_nothing() -> None:
    def twice(exchange: Exchange) -> None:
        exchange.response_received(_answer(), SERVER)
        exchange.response_received(_answer(stun.Class.ERROR, code=400), SERVER)

    assert _ask(twice)
