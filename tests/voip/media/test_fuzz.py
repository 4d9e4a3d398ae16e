"""Every parser of the media engine, fed what nobody would send.

A parser gives a value or raises `MalformedError`, whatever the bytes. Here are all of
them in one place, each with good input to begin from; `_mangled` breaks that. The slow
tests take a hundred thousand cases each; more of them, with other seeds, are found by
raising `SEEDS`.
"""

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import pytest
from aioice import stun

from tests.voip.media.connect.virtual import Network, run
from tests.voip.media.test_sctp import chunk, data, packet, parameter, sack
from voip.errors import MalformedError
from voip.media import record, rtp
from voip.media.audio import dtmf, red
from voip.media.audio.hearing import Hearing
from voip.media.audio.red import Redundancy
from voip.media.audio.states import AudioState
from voip.media.connect.agent import CallIce
from voip.media.connect.candidates import parse_candidate
from voip.media.connect.config import IceConfig
from voip.media.connect.servers import parse_server
from voip.media.flow import report
from voip.media.flow.history import History
from voip.media.record import Reassembly
from voip.media.sctp import Stage, check_packet
from voip.media.sources import SILENCE
from voip.media.transfer import Inbox, format_file, format_text
from voip.media.video import av1, headers, obu, steady, store, vp8
from voip.media.video.assembly import Assembly, PayloadFormat
from voip.media.video.limits import MAX_PAYLOAD_BYTES

SEEDS = 1
SSRC = 7


@dataclass(frozen=True, slots=True)
class Target:
    """A parser, made anew now and then if it keeps something, and good input."""

    make: Callable[[], Callable[[bytes], object]]
    good: tuple[bytes, ...]


def _pure(parse: Callable[[bytes], object], *good: bytes) -> Target:
    return Target(lambda: parse, good)


def _text(parse: Callable[[str], object], *good: str) -> Target:
    return _pure(
        lambda raw: parse(raw.decode("latin-1")), *(each.encode() for each in good)
    )


class _NoSound:
    """Stands for the codec, which is a library and has tests of its own."""

    def decode(self, frame: bytes) -> bytes:
        return SILENCE + frame[:0]

    def recover(self, following: bytes) -> bytes:
        return SILENCE + following[:0]

    def conceal(self) -> bytes:
        return SILENCE


_HEADER = struct.pack(">BBHII", 0x80, 96, 5, 960, SSRC)


def _red() -> tuple[bytes, ...]:
    payloads: list[bytes] = []
    for state in AudioState:
        made = Redundancy()
        frame = b"\x78" + bytes(state.value.frame_bytes - 1)
        event = 2, dtmf.format_event(5, 960, is_over=True)
        payloads += [made.payload(frame, state.value) for _ in range(9)]
        payloads.append(made.payload(frame, state.value, event))
    return tuple(payloads)


def _hearing() -> Callable[[bytes], object]:
    hearing = Hearing(_NoSound())
    hearing.on_frame = lambda _frame, _at: None
    now = 0.0

    def take(raw: bytes) -> None:
        nonlocal now
        now += 0.011
        hearing.receive(raw, now)
        hearing.pull(480, now)

    return take


def _assembly(
    payload_format: PayloadFormat, *, again: bool
) -> Callable[[bytes], object]:
    assembly = Assembly(payload_format)
    count = 0

    def take(raw: bytes) -> None:
        nonlocal count
        count += 1
        now, marker = count * 0.003, count % 3 == 0
        try:
            if again and count % 4:
                assembly.receive_again(count, raw, marker=marker, now=now)
            else:
                number = count + (len(raw) % 5 and 2 * count) & 0xFFFF
                assembly.receive(number, 3000 * count, raw, marker=marker, now=now)
        finally:
            assembly.frames()
            assembly.tick(now)

    return take


def _history() -> Callable[[bytes], object]:
    history = History()
    for number in range(100):
        history.sent(SSRC, number, 200, number * 0.02)

    def take(raw: bytes) -> None:
        for each in report.parse(raw):
            if isinstance(each, report.Feedback):
                history.match(each, 3.0)

    return take


def _reassembly() -> Callable[[bytes], object]:
    reassembly = Reassembly()
    return lambda raw: reassembly.add(record.parse_fragment(raw), 0.0)


_UNIT = b"".join(
    obu.format_obu(obu.Obu(bytes((kind << 3,)), bytes(size)))
    for kind, size in ((1, 12), (6, 3000), (3, 7))
)
_CANDIDATE = "ab 1 udp 16777215 2001:db8::7 3478 typ relay raddr 0.0.0.0 rport 9"
_FEEDBACK = report.format_feedback(
    report.Feedback(1, (report.Arrivals(SSRC, 10, (0, 5, -1, report.UNTIMED)),), 9)
)
_COMPOUND = report.format_compound(
    [report.Compound(1, (report.Block(SSRC, 1, -2, 3, 4, 5, 6),), clock=7)]
)
_NACK = report.format_nack(report.Nack(1, SSRC, (1, 2, 40)))
_CELL = struct.pack(">BHIH", 1, 4, 5, 6).ljust(MAX_PAYLOAD_BYTES, b"\0")
_VP8_KEY = b"\x10\x02\x00\x9d\x01\x2a\x40\x01\xf0\x00" + bytes(40)

TARGETS = {
    "rtp header": _pure(rtp.parse_header, _HEADER + bytes(40)),
    "rtp stream": _pure(rtp.read_stream, _HEADER + bytes(40)),
    "red": _pure(red.parse_red, *_red()),
    "touch tone": _pure(dtmf.parse_event, dtmf.format_event(3, 9, is_over=False)),
    "hearing": Target(_hearing, tuple(_HEADER + each for each in _red())),
    "rtcp": _pure(report.parse, _FEEDBACK, _COMPOUND, _NACK + _FEEDBACK),
    "feedback": Target(_history, (_FEEDBACK,)),
    "vp8 begins": _pure(vp8.starts_key, *vp8.packetize(bytes(3000), 9)),
    "vp8": _pure(lambda raw: vp8.depacketize([raw]), *vp8.packetize(bytes(500), 9)),
    "vp8 header": _pure(headers.parse_vp8, _VP8_KEY),
    "av1 begins": _pure(av1.starts_key, *av1.packetize(_UNIT)),
    "av1": _pure(lambda raw: av1.depacketize([raw]), *av1.packetize(_UNIT, 4000)),
    "av1 header": _pure(headers.parse_av1, _UNIT),
    "units": _pure(lambda raw: list(obu.parse_obus(raw)), _UNIT),
    "unit": _pure(obu.parse_obu, obu.format_obu(obu.Obu(b"\x30", bytes(300)))),
    "steady": _pure(steady.parse_cell, _CELL, steady.FILLER),
    "repeat": _pure(store.unwrap, b"\x00\x05" + bytes(20)),
    "pictures of vp8": Target(
        lambda: _assembly(vp8, again=False), tuple(vp8.packetize(_VP8_KEY * 60, 9))
    ),
    "pictures of av1": Target(
        lambda: _assembly(av1, again=True), tuple(av1.packetize(_UNIT))
    ),
    "record": _pure(record.parse_number, bytes((record.RECORD,)) + bytes(100)),
    "fragment": Target(
        _reassembly,
        tuple(map(record.format_fragment, record.fragment(bytes(2000), 3))),
    ),
    "sctp": _pure(
        lambda raw: check_packet(raw, Stage.OPEN, last=5, held=9),
        packet(data(6), data(7)),
        packet(sack((1, 2), (4, 5))),
        packet(chunk(4, parameter(1, b"abc"))),
    ),
    "messages": Target(
        lambda: Inbox().add, (format_text("hello"), *format_file("a", bytes(20)))
    ),
    "candidate": _text(parse_candidate, _CANDIDATE),
    "server": _text(parse_server, "turns:[2001:db8::7]:5349?transport=tcp", "stun:a.b"),
}


def _mangled(good: tuple[bytes, ...], rng: Random) -> bytes:
    """Break something: mostly a byte, often a length, sometimes all of it."""
    raw = bytearray(rng.choice(good))
    how = rng.random()
    if how < 0.02:
        return rng.randbytes(rng.randrange(80))
    at = int(rng.random() * len(raw))
    if how < 0.2:
        del raw[at:]
    elif how < 0.3:
        raw[at:at] = rng.randbytes(1 + int(rng.random() * 9))
    elif how < 0.4:
        raw[at:] = rng.choice(good)[at:]
    elif how < 0.5:
        at = int(rng.random() * min(12, len(raw)))
        raw[at] = rng.choice(b"\x00\x01\x7f\x80\xff")
    while rng.random() < 0.6:
        at = int(rng.random() * len(raw)) if raw else 0
        raw[at : at + 1] = bytes((int(rng.random() * 256),))
    return bytes(raw)


def _feed(target: Target, seed: int, count: int) -> int:
    """Feed mangled input; gives how many were refused."""
    rng = Random(seed)
    refused = 0
    parse = target.make()
    for number in range(count):
        if number % 1000 == 999:
            parse = target.make()
        raw = _mangled(target.good, rng)
        try:
            parse(raw)
        except MalformedError:
            refused += 1
        except Exception as error:
            error.add_note(f"input {raw.hex()}, case {number} of seed {seed}")
            raise
    return refused


@pytest.mark.parametrize("name", TARGETS)
def test_what_each_parser_is_fed_is_good_to_begin_with(name: str) -> None:
    target = TARGETS[name]
    parse = target.make()
    for good in target.good:
        parse(good)


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_raises_one_error(name: str) -> None:
    _feed(TARGETS[name], 0, 500)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 1 + SEEDS))
@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_raises_one_error_in_a_hundred_thousand_cases(
    name: str, seed: int
) -> None:
    _feed(TARGETS[name], seed, 100_000)


@pytest.mark.slow
def test_an_agent_takes_any_stun() -> None:
    rng = Random(1)

    async def main() -> int:
        agent = CallIce(
            IceConfig(), controlling=True, addresses=lambda: frozenset({"192.0.2.1"})
        )
        await agent.gather_candidates()
        agent.remote_username, agent.remote_password = "abcd", "p" * 22
        (port,) = agent._protocols
        good = tuple(_stun(agent, kind) for kind in stun.Class)
        for number in range(30_000):
            port.datagram_received(_mangled(good, rng), ("192.0.2.9", number % 60000))
            if number % 1000 == 0:
                await asyncio.sleep(0)
        known = len(agent.remote_candidates)
        await agent.close()
        return known

    assert run(Network(), main()) <= 48


def _stun(agent: CallIce, kind: stun.Class) -> bytes:
    message = stun.Message(stun.Method.BINDING, kind)
    message.attributes["USERNAME"] = f"{agent.local_username}:abcd"
    message.attributes["PRIORITY"] = 5
    message.attributes["ICE-CONTROLLED"] = 7
    message.attributes["XOR-MAPPED-ADDRESS"] = ("192.0.2.9", 5)
    message.attributes["ERROR-CODE"] = (487, "no")
    message.add_message_integrity(agent.local_password.encode())
    return bytes(message)
