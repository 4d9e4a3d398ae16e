"""One request to a STUN or TURN server, sent again until it is answered.

Checks between the two sides of a call are paced by `checks`; these are few.
"""

import asyncio
from collections.abc import Callable

from aioice import stun

RTO_S = 0.2  # doubling; a server is asked a handful of things per call
SENDS = 5


class Exchange:
    """What aioice calls a transaction, with timers of ours.

    Its own start at 0.5 s, so that a single lost packet costs more than the call.
    """

    def __init__(self, send: Callable[[], None], *, key: bytes | None = None) -> None:
        """Take how to send the request, and the key of the answer if it has one."""
        self._send = send
        self._key = key
        self._answer: asyncio.Future[tuple[stun.Message, tuple[str, int]]] = (
            asyncio.get_running_loop().create_future()
        )

    def response_received(self, message: stun.Message, addr: tuple[str, int]) -> None:
        """Take an answer; one that does not authenticate changes nothing."""
        if self._answer.done() or not self._is_authentic(message):
            return
        if message.message_class == stun.Class.RESPONSE:
            self._answer.set_result((message, addr))
        else:
            self._answer.set_exception(stun.TransactionFailed(message))

    async def run(self) -> tuple[stun.Message, tuple[str, int]]:
        """Send until there is an answer.

        Raises:
            TransactionFailed: the server refuses.
            TransactionTimeout: it does not answer.
        """
        for sent in range(SENDS):
            self._send()
            await asyncio.wait((self._answer,), timeout=RTO_S * 2**sent)
            if self._answer.done():
                return self._answer.result()
        raise stun.TransactionTimeout

    def _is_authentic(self, message: stun.Message) -> bool:
        if self._key is None:
            return True
        # RFC 8489 §9.2.5: what brings the realm or a new nonce cannot be signed yet.
        if message.message_class == stun.Class.ERROR and message.error_code in (
            401,
            438,
        ):
            return True
        return message.check_message_integrity(self._key)
