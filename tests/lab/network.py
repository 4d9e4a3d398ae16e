"""Machines on a network that behaves as badly as a test wants, with real sockets.

Each host is a network namespace of the kernel with one TUN interface, and this process
is the network between them::

    alice ── up ──>┐                ┌── down ──> bob
                   │  this process  │
    alice <─ down ─┘                └<── up ──── bob

A packet passes the sender's `up` and the receiver's `down`, each a `Link` of the tests
in virtual time; here their arrivals are waited for. What is addressed to nobody is
dropped. Every packet can be watched. The kernel's netem would do less and is not in
every kernel. Needs root, `ip` of iproute2 and /dev/net/tun.
"""

import asyncio
import contextlib
import fcntl
import heapq
import itertools
import os
import shutil
import struct
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from tests.lab.packet import Packet, ends_of, parse_packet
from tests.voip.media.link import DOWN, Conditions, Link

TUN = Path("/dev/net/tun")
CLEAR = Conditions(delay_s=0.0)
"""A network that does nothing to packets; what is left is this machine."""

_TUNSETIFF = 0x400454CA  # linux/if_tun.h
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_MTU = 1500
_BURST = 64  # packets read at once, before others get their turn

Watcher = Callable[[Packet], None]
"""Sees each packet that leaves a host from its address, whatever becomes of it."""


def missing() -> str | None:
    """Say in a sentence what this machine lacks for a network; None for nothing."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "needs the program ip: apt install iproute2"
    if not os.access(TUN, os.R_OK | os.W_OK):
        return f"needs {TUN}"
    return None


@dataclass(frozen=True, slots=True)
class _Interface:
    """A TUN interface and its ends: here a descriptor, there two addresses."""

    descriptor: int
    name: str
    addresses: tuple[str, ...]


class Host:
    """One machine: a namespace, an interface, and how well it is connected.

    Attributes:
        name: how tests call it.
        up: what becomes of packets it sends.
        down: what becomes of packets it is sent.
    """

    def __init__(
        self,
        name: str,
        number: int,
        conditions: Conditions,
        *,
        families: frozenset[int],
        network: "Network",
    ) -> None:
        self.name = name
        self.up = Link(conditions, seed=2 * number)
        self.down = Link(conditions, seed=2 * number + 1)
        self.namespace = f"lab-{os.getpid()}-{name}"
        self._number = number
        self._families = families
        self._network = network
        self._conditions = conditions
        self._generation = itertools.count(1)
        self._interfaces: list[_Interface] = []

    @property
    def addresses(self) -> tuple[str, ...]:
        """Those it has now: IPv4, IPv6, or one of them."""
        return self._interfaces[-1].addresses

    def command(self, *arguments: str) -> list[str]:
        """Give the command line that runs a program on this host."""
        return ["ip", "netns", "exec", self.namespace, *arguments]

    def change(self, conditions: Conditions) -> None:
        """Connect it better or worse from now on, both ways."""
        self._conditions = self.up.conditions = self.down.conditions = conditions

    @asynccontextmanager
    async def cut_off(self) -> AsyncIterator[None]:
        """Let nothing pass for the length of a block, as in a lift."""
        before = self._conditions
        self.change(DOWN)
        try:
            yield
        finally:
            self.change(before)

    def roam(self) -> None:
        """Join another network: another interface and other addresses, at once."""
        self._plug()
        self._network.unplug(self._interfaces.pop(0))

    def open(self) -> None:
        """Make it in the kernel."""
        _ip("netns", "add", self.namespace)
        _ip("-n", self.namespace, "link", "set", "lo", "up")
        self._plug()

    def close(self) -> None:
        """Leave nothing of it in the kernel."""
        for interface in self._interfaces:
            self._network.unplug(interface)
        _ip("netns", "delete", self.namespace)

    def _plug(self) -> None:
        """Make an interface, of which every packet goes through this process."""
        generation = next(self._generation)
        addresses = {
            4: f"10.77.{self._number}.{generation}",
            6: f"fd77::{self._number:x}:{generation:x}",
        }
        descriptor = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
        name = f"l{os.getpid()}.{self._number}.{generation}"  # 15 characters at most
        request = struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI)
        fcntl.ioctl(descriptor, _TUNSETIFF, request)
        _ip("link", "set", name, "netns", self.namespace)
        commands = [f"link set {name} mtu {_MTU} up"]
        for family in sorted(self._families):
            address = addresses[family]
            bits, flag, everywhere = (
                (32, "", "0.0.0.0/0") if family == 4 else (128, "nodad", "::/0")
            )
            commands += [
                f"addr add {address}/{bits} dev {name} {flag}",
                # The newest is the way out, also while the one before is still there.
                f"route replace {everywhere} dev {name}",
            ]
        _ip("-n", self.namespace, "-batch", "-", stdin="\n".join(commands))
        interface = _Interface(
            descriptor, name, tuple(addresses[each] for each in sorted(self._families))
        )
        self._interfaces.append(interface)
        self._network.plug(self, interface)


class Network:
    """What lies between the hosts; made by `network`."""

    def __init__(self, watch: Watcher | None) -> None:
        self._watch = watch
        self._loop = asyncio.get_running_loop()
        self._hosts: list[Host] = []
        self._routes: dict[bytes, tuple[Host, int]] = {}
        """By the bytes of an address: whose it is, and the descriptor behind it."""
        # In order of time; the count keeps packets of one moment in their order.
        self._due: list[tuple[float, int, Callable[[float], None]]] = []
        self._count = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def host(
        self,
        name: str,
        conditions: Conditions = CLEAR,
        *,
        families: frozenset[int] = frozenset({4, 6}),
    ) -> Host:
        """Add a machine; `families` are the versions of IP that it speaks."""
        number = len(self._hosts) + 1
        host = Host(name, number, conditions, families=families, network=self)
        self._hosts.append(host)
        host.open()
        return host

    def close(self) -> None:
        """Take everything down."""
        if self._timer is not None:
            self._timer.cancel()
        for host in self._hosts:
            host.close()

    def plug(self, host: Host, interface: _Interface) -> None:
        """Carry packets of an interface from now on."""
        for address in interface.addresses:
            self._routes[ip_address(address).packed] = host, interface.descriptor
        self._loop.add_reader(
            interface.descriptor, self._readable, host, interface.descriptor
        )

    def unplug(self, interface: _Interface) -> None:
        """Let an interface vanish, and its addresses with it."""
        self._loop.remove_reader(interface.descriptor)
        for address in interface.addresses:
            del self._routes[ip_address(address).packed]
        os.close(interface.descriptor)

    def _readable(self, host: Host, descriptor: int) -> None:
        for _ in range(_BURST):
            try:
                packet = os.read(descriptor, _MTU)
            except BlockingIOError:
                return
            self._take(host, packet)

    def _take(self, source: Host, packet: bytes) -> None:
        address, target = ends_of(packet)
        # No network takes packets from addresses that are not its own (BCP 38); the
        # kernel sends such after roaming, for it checks no source of IPv6. Others are
        # its search for neighbours, of which there are none.
        if address not in self._routes:
            return
        now = self._loop.time()
        if self._watch is not None:
            self._watch(parse_packet(packet, now))
        if target in self._routes:
            left = source.up.send(len(packet), now)
            self._at(left, now, lambda then: self._arrive(packet, target, then))

    def _arrive(self, packet: bytes, target: bytes, now: float) -> None:
        """Pass on to the receiver's side, if it is still where it was."""
        if target in self._routes:
            host, _ = self._routes[target]
            arrival = host.down.send(len(packet), now)
            self._at(arrival, now, lambda _: self._deliver(packet, target))

    def _deliver(self, packet: bytes, target: bytes) -> None:
        if target in self._routes:
            # A full interface drops, and so do we.
            with contextlib.suppress(BlockingIOError):
                os.write(self._routes[target][1], packet)

    def _at(
        self, when: float | None, now: float, then: Callable[[float], None]
    ) -> None:
        """Do what is due now at once, the rest when it is; None never comes."""
        if when is None:
            return
        if when <= now:
            then(now)
            return
        heapq.heappush(self._due, (when, next(self._count), then))
        if self._due[0][2] is then:
            self._wake_at(when)

    def _wake_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._run)

    def _run(self) -> None:
        now = self._loop.time()
        while self._due and self._due[0][0] <= now:
            when, _, then = heapq.heappop(self._due)
            then(when)
        self._timer = None
        if self._due:
            self._wake_at(self._due[0][0])


@asynccontextmanager
async def network(watch: Watcher | None = None) -> AsyncIterator[Network]:
    """Make a network for the length of a block."""
    made = Network(watch)
    try:
        yield made
    finally:
        made.close()


def _ip(*arguments: str, stdin: str | None = None) -> None:
    subprocess.run(["ip", *arguments], input=stdin, text=True, check=True)
