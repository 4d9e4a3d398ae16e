"""Telephone calls through a gateway: the processor they take, and whether all stand.

A call is a leg in the worker, SRTP and G.711 in it, a bridge, and whoever sits at the
other port of it. The telephone is Debian's baresip, or SIPp, which calls us without
encryption; their own work is not counted.
"""

import asyncio
import os
import shutil
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.figure import ROUNDS, Figure, figure, left_out
from tests.voip.gateway.phones import (
    MODULES,
    Phone,
    free_ports,
    line_to,
    make_authority,
    running_phone,
    until,
)
from tests.voip.gateway.sipp import run_sipp
from tests.voip.gateway.switchboard import running_switchboard
from voip.gateway.bridge import Bridge
from voip.gateway.joined import Joined
from voip.gateway.sip.call import Happened, Secured
from voip.gateway.sip.telephone import Telephone
from voip.gateway.sip.telephony import SipLine
from voip.media.pattern import Discard, Tone
from voip.media.plan import MediaPlan

CORE_PER_CALL = 0.25
"""Of a bridged call alone; what two aiortc ends and the making of a tone took."""
MANY = 40
SECONDS = 5.0


class _Voice:
    """A second of a tone, made beforehand: making it is not what is measured."""

    def __init__(self) -> None:
        tone = Tone()
        self._frames = [tone.read() for _ in range(50)]
        self._at = 0

    def read(self) -> bytes:
        self._at = (self._at + 1) % len(self._frames)
        return self._frames[self._at]

    def close(self) -> None:
        """Nothing is open."""


def figures() -> list[Figure]:
    """Measure one call, and forty at once."""
    if not MODULES.is_dir():
        left_out("telephones", "baresip-core is not installed")
        return []
    return [*asyncio.run(_figures()), *asyncio.run(_sipp())]


async def _figures() -> list[Figure]:
    alone, many, up = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        authority = make_authority(Path(folder) / "authority")
        phone_at = running_phone(Path(folder) / "phone", authority, records=False)
        async with phone_at as phone:
            line = line_to(phone, authority, "codecs pcmu")
            async with line:
                await line.registered()
                for _ in range(ROUNDS):
                    cores, _ = await _calls(line, phone, 1)
                    alone.append(cores)
                for _ in range(ROUNDS):
                    cores, stood = await _calls(line, phone, MANY)
                    many.append(cores / MANY)
                    up.append(stood / MANY)
    return [
        figure(
            "SIP: cores of one bridged call",
            alone,
            unit="core",
            bar=CORE_PER_CALL,
            note="gateway and worker, SDES, PCMU",
        ),
        figure(
            f"SIP: cores of each of {MANY} bridged calls",
            many,
            unit="core",
            note="likewise",
        ),
        figure(
            f"SIP: calls that stand, of {MANY} at once",
            up,
            unit="",
            bar=1.0,
            at_least=True,
        ),
    ]


async def _sipp() -> list[Figure]:
    if shutil.which("sipp") is None:
        left_out("telephones that come at once", "sip-tester is not installed")
        return []
    cores, stood = [], []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for _ in range(ROUNDS):
            board_at = running_switchboard(place, free_ports(), records=False)
            async with board_at as board:
                held = run_sipp(place, "held", board.port, calls=MANY, a_second=MANY)
                sipp = asyncio.create_task(held)
                await board.stands(MANY)
                cores.append(await _cores(board.line) / MANY)
                standing = board.up
                board.hang_up()
                is_content = (await sipp).code == 0
                stood.append(standing / MANY if is_content else 0.0)
    return [
        figure(
            f"SIP: cores of each of {MANY} calls of SIPp",
            cores,
            unit="core",
            note="gateway and worker, PCMU, all that is heard comes back",
        ),
        figure(
            f"SIP: calls of SIPp that stand, of {MANY} at once",
            stood,
            unit="",
            bar=1.0,
            at_least=True,
            note="and end as SIPp expects",
        ),
    ]


async def _calls(line: SipLine, phone: Phone, count: int) -> tuple[float, int]:
    """Hold so many calls at once; gives the cores they take, and how many stand."""
    secured: list[Happened] = []

    def tell(happened: Happened) -> None:
        if isinstance(happened, Secured):
            secured.append(happened)

    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        phones, beside = [], []
        for _ in range(count):
            bridge = await stack.enter_async_context(Bridge())
            port = bridge.port("telephone")
            telephone = Telephone(line, Joined(), port, tell=tell)
            telephone.announce("telephone")
            me = bridge.port("me")
            me.open()
            plan = MediaPlan(audio_source=_Voice(), audio_sink=Discard())
            beside.append(tasks.create_task(bridge.attach(me, plan)))
            tasks.create_task(telephone.dial(phone.uri()))
            phones.append(telephone)
        await until(lambda: len(secured) == count, 30)
        cores = await _cores(line)
        stood = sum(each.is_safe for each in phones)
        for telephone in phones:
            telephone.hang_up()
        for task in beside:
            task.cancel()
    return cores, stood


async def _cores(line: SipLine) -> float:
    began, before = time.monotonic(), _cpu_s(line)
    await asyncio.sleep(SECONDS)
    return (_cpu_s(line) - before) / (time.monotonic() - began)


def _cpu_s(line: SipLine) -> float:
    text = Path(f"/proc/{line.worker_pid}/stat").read_text()
    user, system = text.rpartition(")")[2].split()[11:13]  # proc_pid_stat(5)
    worker = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return worker + time.process_time()
