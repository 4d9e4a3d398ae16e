"""A client's place at one relay: put, watch, receive, boards.

The relay is not trusted. It may be down, slow or lying: every wait has an end, whatever
breaks the format ends the connection, and the link connects again by itself. Nothing a
relay says can do more than lose or repeat a blob, which delivery and the seals take
care of.

Mailboxes are read with a GET that the relay answers when something comes, and which is
asked again at once. Its secrets are filled up to a multiple of 16 with random ones, so
that the relay does not see how many mailboxes we have.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from voip.errors import (
    CallError,
    LimitError,
    MissingError,
    RefusedError,
    UnreachableError,
)
from voip.identity.card import RelayAddress
from voip.identity.keys import Entropy
from voip.signalling.channel import MAX_GETS, Answer, Channel, open_channel
from voip.signalling.envelope import FETCH_BYTES, mailbox_tag
from voip.signalling.frames import (
    BOARD_SLOTS,
    MAX_DELETED,
    MAX_FETCHES,
    MAX_PARCELS,
    MAX_WAIT_S,
    Ack,
    BoardGet,
    BoardPut,
    BoardSlot,
    Get,
    GetDone,
    Parcel,
    Put,
    Status,
    Stored,
    Turn,
    TurnGrant,
    TurnStatus,
)
from voip.signalling.tls import is_onion
from voip.signalling.turn import TurnServer

PATIENCE_S = 10.0  # for a connection and an answer; a user waits no longer for a tone
FIRST_RETRY_S = 0.25
LAST_RETRY_S = 30.0  # a relay that restarts is not stormed, and found again soon
GET_PAUSE_S = 0.05  # the relay's rate: one that answers at once cannot make us spin
PAD_TO = 16  # fetch secrets in a GET
MAX_INBOX = 4 * MAX_PARCELS  # parcels nobody took yet; then no GET is sent
MAX_SEEN = 4096  # message ids, so that one not yet deleted does not come twice


class RelayLink:
    """Use as ``async with RelayLink(address, entropy=os.urandom) as link``.

    Calls may be made before the block is entered; they wait for the connection.
    """

    def __init__(
        self,
        address: RelayAddress,
        *,
        entropy: Entropy,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """`entropy` gives random bytes; `patience_s` is how long a request may take.

        Raises:
            MissingError: an onion address; this version has no way into that network.
        """
        if is_onion(address.host):
            raise MissingError(
                f"relay {address.netloc}: onion addresses need a SOCKS dialler, which "
                "this version does not have"
            )
        self.address = address
        self._entropy = entropy
        self._patience_s = patience_s
        self._is_left = False
        self._channel: Channel | None = None
        self._connected = asyncio.Event()
        self._problem: str | None = f"relay {address.netloc}: not connected yet"
        self._asking = 0
        self._fetches: tuple[bytes, ...] = ()
        self._padding: list[bytes] = []
        self._tags: frozenset[bytes] = frozenset()
        self._is_changed = False
        self._stir = asyncio.Event()
        self._inbox: asyncio.Queue[Parcel] = asyncio.Queue(MAX_INBOX)
        self._seen: dict[bytes, bool] = {}  # whether it may be deleted
        self._again: asyncio.Queue[bytes] = asyncio.Queue(MAX_DELETED)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start connecting; returns at once."""
        # Owned by this object: a task group would wrap what the block raises.
        self._task = asyncio.create_task(self._stay_connected())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect; requests under way end with `UnreachableError` in their time."""
        assert self._task is not None  # we were entered
        self._is_left = True
        self._task.cancel()
        await asyncio.wait([self._task])

    @property
    def problem(self) -> str | None:
        """Why there is no connection now, as a sentence; None while there is one."""
        return self._problem

    @property
    def is_busy(self) -> bool:
        """Whether a request waits for its answer."""
        return self._asking > 0

    async def ready(self) -> None:
        """Wait for a connection, at most 10 s.

        Raises:
            UnreachableError: there is none yet; the link keeps trying.
        """
        try:
            async with asyncio.timeout(self._patience_s):
                await self._connected.wait()
        except TimeoutError:
            raise self._unreachable() from None

    async def put(self, tag: bytes, blob: bytes) -> None:
        """Leave a blob of 4096 bytes under a tag; returns when the relay has stored it.

        Raises:
            UnreachableError: no answer within 10 s.
            LimitError: the mailbox or the relay is full, or asks to slow down.
        """
        self._check_stored(await self._ask(Put(tag, blob)))

    def watch(self, fetches: Iterable[bytes]) -> None:
        """Set the mailboxes to read from now on, at most 128.

        Raises:
            LimitError: more than 128.
        """
        wanted = sorted(set(fetches))
        if len(wanted) > MAX_FETCHES:
            raise LimitError(f"{len(wanted)} mailboxes at one relay, at most 128")
        # Random secrets that changed with every GET would stand out from the others,
        # so they are kept for as long as there is a place for them.
        places = -len(wanted) % PAD_TO
        while len(self._padding) < places:
            self._padding.append(self._entropy(FETCH_BYTES))
        del self._padding[places:]
        self._fetches = tuple(sorted([*wanted, *self._padding]))
        self._tags = frozenset(mailbox_tag(fetch) for fetch in wanted)
        self._is_changed = True
        self._stir.set()

    async def receive(self) -> Parcel:
        """Wait for the next parcel of a watched mailbox; each comes once."""
        parcel = await self._inbox.get()
        self._stir.set()
        return parcel

    async def delete(self, message_ids: Iterable[bytes]) -> None:
        """Delete parcels from the relay.

        Raises:
            UnreachableError: no answer within 10 s. If the relay has them yet, it sends
                them again, and then the link deletes them by itself.
            LimitError: the relay asks to slow down.
        """
        left = tuple(message_ids)
        self._seen.update((each, True) for each in left if each in self._seen)
        while left:
            self._check_stored(await self._ask(Ack(left[:MAX_DELETED])))
            left = left[MAX_DELETED:]

    async def delete_from(self, handled: asyncio.Queue[bytes]) -> None:
        """Delete what is put into a queue, as much at once as there is; never ends."""
        while True:
            message_ids = [await handled.get()]
            while not handled.empty():
                message_ids.append(handled.get_nowait())
            with contextlib.suppress(CallError):  # it comes again, see `delete`
                await self.delete(message_ids)

    async def publish(self, slot: BoardPut) -> None:
        """Publish a slot of a board.

        Raises:
            UnreachableError: no answer within 10 s.
            LimitError: the relay is full, or asks to slow down.
            RefusedError: the relay holds a newer version, or refuses the signature.
        """
        self._check_stored(await self._ask(slot))

    async def read_board(self, board: bytes) -> list[BoardPut]:
        """Read all 8 slots of a board; those that hold something, in order.

        Raises:
            UnreachableError: no answer within 10 s.
        """
        replies = await asyncio.gather(
            *(self._ask(BoardGet(board, index)) for index in range(BOARD_SLOTS))
        )
        return [
            reply.published
            for reply in replies
            if isinstance(reply, BoardSlot) and reply.published is not None
        ]

    async def turn(self, wanted_s: int) -> tuple[TurnServer, ...]:
        """Ask for TURN servers, with credentials for at most so many seconds.

        Raises:
            UnreachableError: no answer within 10 s.
            MissingError: this relay offers none.
            LimitError: the relay asks to slow down.
        """
        reply = await self._ask(Turn(wanted_s))
        assert isinstance(reply, TurnGrant)  # the channel matches them
        match reply.status:
            case TurnStatus.OK:
                return reply.servers
            case TurnStatus.NOT_OFFERED:
                raise MissingError(
                    f"relay {self.address.netloc}: offers no turn server"
                )
            case TurnStatus.SLOW_DOWN:
                raise LimitError(f"relay {self.address.netloc}: asks to slow down")

    async def _ask(self, request: Put | Ack | BoardPut | BoardGet | Turn) -> Answer:
        """Send a request until it is answered; on a second connection if need be.

        To repeat is safe: delivery drops a blob that comes twice, and the other
        requests have the same effect once or twice.
        """
        self._asking += 1
        try:
            async with asyncio.timeout(self._patience_s):
                while True:
                    await self._connected.wait()
                    assert self._channel is not None  # while connected
                    try:
                        return await self._channel.ask(request)
                    except ConnectionError:
                        await asyncio.sleep(GET_PAUSE_S)  # it is being closed
        except TimeoutError:
            if self._channel is not None:
                self._channel.give_up()  # later answers would be taken for others
            raise self._unreachable() from None
        finally:
            self._asking -= 1

    def _check_stored(self, reply: Answer) -> None:
        match reply:
            case Stored(Status.FULL):
                raise LimitError(f"relay {self.address.netloc}: no room left")
            case Stored(Status.SLOW_DOWN):
                raise LimitError(f"relay {self.address.netloc}: asks to slow down")
            case Stored(Status.REFUSED):
                raise RefusedError(
                    f"relay {self.address.netloc}: refused; it may hold a newer version"
                )
            case _:
                pass

    def _unreachable(self) -> UnreachableError:
        late = f"relay {self.address.netloc}: no answer within {self._patience_s:g} s"
        return UnreachableError(self._problem or late)

    async def _stay_connected(self) -> None:
        retry_s = FIRST_RETRY_S
        while True:
            has_roamed = False
            try:
                async with open_channel(self.address, self._entropy) as channel:
                    self._channel, self._problem = channel, None
                    self._connected.set()
                    retry_s = FIRST_RETRY_S
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(channel.run(self._take))
                        tasks.create_task(self._keep_asking(channel))
                        tasks.create_task(self.delete_from(self._again))
            except* CallError as group:
                self._problem = _sentence(group)
            finally:
                self._connected.clear()
                if self._channel is not None:
                    has_roamed = self._channel.has_roamed
                self._channel = None
            if self._is_left:
                return  # Python 3.11 loses a cancellation that meets an error above
            if has_roamed:
                continue  # nobody else did, and a call may wait for this
            # Up to a half more, so that clients of a relay do not return all at once.
            await asyncio.sleep(retry_s * (1 + self._entropy(1)[0] / 512))
            retry_s = min(2 * retry_s, LAST_RETRY_S)

    async def _keep_asking(self, channel: Channel) -> None:
        """Keep a GET with the relay; a newer one when other mailboxes are wanted."""
        while True:
            self._stir.clear()
            has_room = self._inbox.qsize() + MAX_GETS * MAX_PARCELS <= MAX_INBOX
            wants = self._fetches and has_room and channel.gets < MAX_GETS
            if wants and (self._is_changed or not channel.gets):
                self._is_changed = False
                await channel.get(Get(self._fetches))
            try:
                async with asyncio.timeout(MAX_WAIT_S + PATIENCE_S):
                    await self._stir.wait()
            except TimeoutError:
                if channel.gets:
                    channel.give_up()
            await asyncio.sleep(GET_PAUSE_S)

    def _take(self, news: Parcel | GetDone) -> None:
        if isinstance(news, GetDone):
            self._stir.set()
        elif news.message_id in self._seen:
            # Its ACK got lost. Until its time is over the parcel would take one of the
            # 64 places of its mailbox. Those beyond the queue come yet another time.
            if self._seen[news.message_id] and not self._again.full():
                self._again.put_nowait(news.message_id)
        elif news.tag in self._tags:
            # There is room: a GET is only sent while there is, and brings at most 32.
            self._inbox.put_nowait(news)
            self._seen[news.message_id] = False
            if len(self._seen) > MAX_SEEN:
                del self._seen[next(iter(self._seen))]


def _sentence(group: BaseExceptionGroup[BaseException]) -> str:
    """Give the first error of a group of groups."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return str(first)
