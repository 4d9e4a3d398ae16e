"""The addresses at which this side can be reached (RFC 8445 §5.1).

Only configured servers are asked, side by side, so that a dead one delays nothing; and
those of a lender, once it has named them.
Under relay-only no socket is opened but at relays, and no STUN server is asked: what
does not exist cannot be shown or tried.
"""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from ipaddress import ip_address

from aioice import Candidate, stun
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import get_host_addresses

from voip.errors import CallError, MalformedError, UnreachableError
from voip.media.connect.candidates import check_told, is_reachable
from voip.media.connect.config import (
    IceConfig,
    IceServer,
    Lender,
    check_config,
    check_lent,
)
from voip.media.connect.servers import Server
from voip.media.connect.sockets import Address, CallSocket, Trace, open_socket
from voip.media.connect.turn import failure, open_relay

GATHER_S = 1.5  # a person waits; what comes later is used, but told to nobody
TRICKLE_S = 0.3  # where it can be told: a server that is near, or a relay at hand
SERVER_S = 5.0  # TLS takes five round trips, and a satellite 0.6 s for each
MAX_HOSTS = 8  # half of what a description holds; the rest is for servers
BEST = 65535  # local preference (RFC 8445 §5.1.2.1)
LOOPBACK = "127.0.0.1"
# RFC 8839 §5.1: what is written where no related address may be shown.
_NO_ADDRESS = ("0.0.0.0", 9)  # noqa: S104 -- nothing is bound to it


def local_addresses() -> frozenset[str]:
    """List the addresses of this machine that ICE would offer."""
    found = get_host_addresses(use_ipv4=True, use_ipv6=True)
    return frozenset(host for host in found if is_reachable(host, loopback=False))


class Gathering:
    """One run of gathering; what it finds goes to `found` at once."""

    def __init__(  # noqa: PLR0913 -- wishes, and who is told what
        self,
        config: IceConfig,
        *,
        make: Callable[[Trace | None], CallSocket],
        found: Callable[[CallSocket, Candidate], None],
        finished: Callable[[], None],
        trace: Trace | None,
        addresses: Callable[[], frozenset[str]] = local_addresses,
    ) -> None:
        """Take the user's wishes, and who makes sockets and takes what is found.

        Args:
            config: servers, and what may be shown.
            make: makes a socket of the agent that is seen by a watcher, or by none.
            found: takes an address and the socket behind it.
            finished: hears that nothing more will be found.
            trace: sees each datagram before it leaves.
            addresses: lists those of this machine.
        """
        self._addresses = addresses
        self._config = config
        self._servers = [
            (server, wanted)
            for server, wanted in zip(check_config(config), config.servers, strict=True)
            if server.is_relay or not config.relay_only
        ]
        self._make = make
        self._take = found
        self._finished = finished
        self._trace = trace
        self._hosts: list[CallSocket] = []
        self._known: set[Address] = set()
        self._kinds: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.problems: list[CallError] = []

    @property
    def is_done(self) -> bool:
        """Whether nothing more will be found."""
        return not self._tasks

    async def run(self, patience_s: float) -> None:
        """Find what a call needs; goes on in the background after `patience_s`.

        That is, if there is anything at all by then; else it waits for 5 s.
        """
        if not self._config.relay_only:
            await self._open_hosts()
        loop = asyncio.get_running_loop()
        for rank, (server, wanted) in enumerate(self._servers):
            self._begin(self._ask(server, wanted, BEST - rank))
        wants = {"relay" if each.is_relay else "srflx" for each, _ in self._servers}
        if self._config.lender is not None:
            self._begin(self._borrow(self._config.lender))
            wants.add("relay")
        began = loop.time()
        while self._tasks and not wants <= self._kinds:
            left_s = began + (patience_s if self._kinds else SERVER_S) - loop.time()
            if left_s <= 0:
                return
            await asyncio.wait(
                self._tasks, timeout=left_s, return_when=asyncio.FIRST_COMPLETED
            )

    async def close(self) -> None:
        """Ask no further; sockets belong to who took them."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._asked)

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.result()  # a bug of ours is not to be silent
        if not self._tasks:
            self._finished()

    async def _open_hosts(self) -> None:
        hosts = [LOOPBACK] if self._config.loopback else _ranked(self._addresses())
        for rank, host in enumerate(hosts[:MAX_HOSTS]):
            try:
                opened = await open_socket(lambda: self._make(self._trace), host)
            except OSError:
                continue  # the address went away meanwhile
            base = opened.transport.get_extra_info("sockname")
            opened.local_candidate = _candidate(
                "host", (base[0], base[1]), base[0], BEST - rank
            )
            self._hosts.append(opened)
            self._found(opened, opened.local_candidate)

    async def _borrow(self, lender: Lender) -> None:
        """Have servers named, and ask them; they come after the user's own."""
        try:
            async with asyncio.timeout(SERVER_S):
                lent = await lender()
            servers = check_lent(lent)
        except TimeoutError:
            said = f"who lends turn servers: no answer within {SERVER_S:g} s"
            self.problems.append(UnreachableError(said))
            return
        except CallError as error:
            self.problems.append(error)
            return
        best = BEST - len(self._servers)
        for rank, (server, wanted) in enumerate(zip(servers, lent, strict=True)):
            self._begin(self._ask(server, wanted, best - rank, lent=True))

    async def _ask(
        self, server: Server, wanted: IceServer, rank: int, *, lent: bool = False
    ) -> None:
        try:
            async with asyncio.timeout(SERVER_S):
                if server.is_relay:
                    await self._allocate(server, wanted, rank)
                else:
                    await self._reflect(server, wanted)
        except (OSError, stun.TransactionError) as error:
            self._note(failure(wanted.url, error), lent=lent)
        except CallError as error:
            self._note(error, lent=lent)

    def _note(self, problem: CallError, *, lent: bool) -> None:
        """Keep what is to be told; the user does not know a lent server by its name."""
        said = type(problem)(f"lent {problem}") if lent else problem
        self.problems.append(said)

    async def _allocate(self, server: Server, wanted: IceServer, rank: int) -> None:
        # The relay's client is watched, not the socket that stands for it: what
        # leaves this machine goes to the server.
        opened = await open_relay(
            server, wanted, lambda: self._make(None), trace=self._trace
        )
        at = opened.transport.get_extra_info("sockname")
        try:
            check_told(*at, loopback=self._config.loopback)
        except MalformedError as error:
            opened.transport.close()
            raise UnreachableError(f"ice server {wanted.url}: {error}") from error
        # RFC 9429 §3.5.3: relay-only shows no address of ours beside the relay's.
        related = (
            _NO_ADDRESS
            if self._config.relay_only
            else opened.transport.get_extra_info("related_address")
        )
        opened.local_candidate = _candidate("relay", at, at[0], rank, related)
        self._found(opened, opened.local_candidate)

    async def _reflect(self, server: Server, wanted: IceServer) -> None:
        where = await look_up(server)
        hosts = [host for host in self._hosts if _version(host) in where]
        asked = [
            self._reflect_one(host, where[_version(host)], wanted) for host in hosts
        ]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        failed = [answer for answer in answers if isinstance(answer, Exception)]
        if failed and len(failed) == len(answers):
            raise failed[0]

    async def _reflect_one(
        self, host: CallSocket, server: Address, wanted: IceServer
    ) -> None:
        mapped = await host.ask(server)
        try:
            check_told(*mapped, loopback=self._config.loopback)
        except MalformedError as error:
            raise UnreachableError(f"ice server {wanted.url}: {error}") from error
        base = host.local_candidate
        rank = base.priority >> 8 & BEST
        self._kinds.add("srflx")  # answered, also where there is no NAT
        if mapped not in self._known:  # RFC 8445 §5.1.3
            related = (base.host, base.port)
            self._found(host, _candidate("srflx", mapped, base.host, rank, related))

    def _found(self, opened: CallSocket, candidate: Candidate) -> None:
        self._known.add((candidate.host, candidate.port))
        self._kinds.add(candidate.type)
        self._take(opened, candidate)


def _candidate(
    kind: str, at: Address, base: str, rank: int, related: Address | None = None
) -> Candidate:
    return Candidate(
        foundation=candidate_foundation(kind, "udp", base),
        component=1,
        transport="udp",
        priority=candidate_priority(1, kind, rank),
        host=at[0],
        port=at[1],
        type=kind,
        related_address=None if related is None else related[0],
        related_port=None if related is None else related[1],
    )


def _ranked(hosts: frozenset[str]) -> list[str]:
    """Put IPv6 and IPv4 in turn, IPv6 first, so that neither starves (RFC 8421 §4)."""
    families: dict[int, list[str]] = {6: [], 4: []}
    for host in sorted(hosts):
        families[ip_address(host).version].append(host)
    ranked = sorted(
        (place, -version, host)
        for version, family in families.items()
        for place, host in enumerate(family)
    )
    return [host for _, _, host in ranked]


def _version(opened: CallSocket) -> int:
    return ip_address(opened.local_candidate.host).version


async def look_up(server: Server) -> dict[int, Address]:
    """Find the server's address of each family; its name is one the user wrote.

    Raises:
        OSError: there is no such name, or nobody to ask.
    """
    found = await asyncio.get_running_loop().getaddrinfo(
        server.host, server.port, type=socket.SOCK_DGRAM
    )
    where: dict[int, Address] = {}
    for *_, address in found:
        host = str(address[0])
        where.setdefault(ip_address(host).version, (host, server.port))
    return where
