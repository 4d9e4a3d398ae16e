"""SRTP and records under the handshake's keys, over a wire the test can cut."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.voip.media.memory import NEXT_SECRET, SECRET, End, MemoryPath, start
from voip.errors import KeyReuseError, MalformedError, UnexpectedEventError
from voip.handshake import schedule
from voip.media.audio.states import AudioState
from voip.media.epochs import CALLER, RETIRE_AFTER_S
from voip.media.events import (
    ControlReceived,
    FirstVerified,
    HeardAgain,
    MediaFailed,
    Quiet,
    ReceiveEpochRetired,
    SendEpoch,
)
from voip.media.flow.report import Compound, format_compound
from voip.media.profile import AUDIO_PT
from voip.media.record import ControlQueue, Sealer, format_sctp
from voip.media.rtp import Header, format_header, parse_header
from voip.media.transport import AUDIO_BYTES, srtp_session

SSRC = 0x01020304


REPORT = format_compound([Compound(SSRC, ())])
PAYLOAD_BYTES = 125


class Ear:
    """Takes what the transport lets through."""

    def __init__(self) -> None:
        self.heard: list[int] = []

    def take(self, packet: bytes, now: float) -> None:
        del now
        self.heard.append(parse_header(packet).sequence)


class DataEar:
    """Takes SCTP packets."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def _handle_data(self, data: bytes) -> None:
        self.heard.append(data)


@pytest.fixture
async def ends() -> AsyncIterator[tuple[End, End]]:
    caller, callee = await start()
    yield caller, callee
    for end in (caller, callee):
        await end.transport.stop()


def _listen(end: End) -> Ear:
    ear = Ear()
    end.transport.expect(SSRC, AUDIO_PT, ear.take)
    return ear


def _audio(
    sequence: int, ssrc: int = SSRC, payload: bytes = bytes(PAYLOAD_BYTES)
) -> bytes:
    header = Header(
        marker=False,
        payload_type=AUDIO_PT,
        sequence=sequence % 65536,
        timestamp=960 * sequence % 2**32,
        ssrc=ssrc,
    )
    return format_header(header) + payload


def _sent(end: End, *packets: bytes) -> list[bytes]:
    for packet in packets:
        end.transport.send_rtp(packet)
    return end.take()


async def test_sound_sent_by_one_is_heard_by_the_other(ends: tuple[End, End]) -> None:
    caller, callee = ends
    ear = _listen(callee)
    await callee.hear(*_sent(caller, _audio(1), _audio(2)))

    assert (ear.heard, callee.events) == ([1, 2], [FirstVerified()])


async def test_protected_audio_has_one_size(ends: tuple[End, End]) -> None:
    (datagram,) = _sent(ends[0], _audio(1))

    assert len(datagram) == 12 + PAYLOAD_BYTES + 16


async def test_a_report_counts_as_a_packet(ends: tuple[End, End]) -> None:
    caller, callee = ends
    heard: list[bytes] = []
    callee.transport.expect_reports(lambda report, _: heard.append(report))
    caller.transport.send_rtcp(REPORT)
    await callee.hear(*caller.take())

    assert (heard, callee.events) == ([REPORT], [FirstVerified()])


async def test_what_left_is_noted_and_what_did_not_is_not() -> None:
    noted: list[tuple[int, int, int, int, float]] = []
    caller = End(CALLER, noted=lambda *packet: noted.append(packet))
    await caller.transport.start()
    _sent(caller, _audio(1))
    caller.path.is_dead = True
    _sent(caller, _audio(2))
    await caller.transport.stop()

    assert noted == [(SSRC, 1, 960, 12 + PAYLOAD_BYTES, 0.0)]


async def test_a_path_hears_that_its_datagrams_verify(ends: tuple[End, End]) -> None:
    caller, callee = ends
    await callee.hear(*_sent(caller, _audio(1)), b"noise")

    assert callee.path.verifications == 1


def _kdf(key: bytes, label: int, size: int) -> bytes:
    """RFC 3711 §4.3.1 with the 96-bit salt of RFC 7714 §11: an independent oracle."""
    x = int.from_bytes(key[32:], "big") << 16 ^ label << 48
    counter = modes.CTR((x << 16).to_bytes(16, "big"))
    return Cipher(algorithms.AES(key[:32]), counter).encryptor().update(bytes(size))


def _oracle(key: bytes, packet: bytes, roc: int) -> bytes:
    """RFC 7714 §8.1 and §9.1."""
    session_key, salt = _kdf(key, 0, 32), _kdf(key, 2, 12)
    iv = b"\0\0" + packet[8:12] + roc.to_bytes(4, "big") + packet[2:4]
    nonce = bytes(a ^ b for a, b in zip(iv, salt, strict=True))
    return packet[:12] + AESGCM(session_key).encrypt(nonce, packet[12:], packet[:12])


async def test_srtp_is_aes_256_gcm_of_rfc_7714(ends: tuple[End, End]) -> None:
    packet = _audio(7, payload=bytes(range(PAYLOAD_BYTES)))
    (datagram,) = _sent(ends[0], packet)

    assert datagram == _oracle(schedule.srtp(SECRET, CALLER, 0), packet, 0)


def test_srtp_of_the_worked_example_is_as_published() -> None:
    keys = schedule.session_keys(bytes(range(64)), bytes(range(64, 128)))
    session = srtp_session(schedule.srtp(keys.call_secret, CALLER, 0), sending=True)
    packet = bytes.fromhex("80e00001000003c0a1b2c3d4") + bytes(80)
    datagram = session.protect(packet)

    assert datagram[:28].hex() == packet[:12].hex() + "e4017b1c53d745540a4e0b7a06b80ed4"
    assert datagram[-16:].hex() == "25ece7bad507e9c6b83354238ccde05b"


async def test_the_wrap_of_sequence_numbers_counts_into_the_nonce(
    ends: tuple[End, End],
) -> None:
    packets = [_audio(sequence) for sequence in (65534, 65535, 65536)]
    sent = _sent(ends[0], *packets)

    assert sent[-1] == _oracle(schedule.srtp(SECRET, CALLER, 0), packets[-1], 1)


async def test_no_packet_is_lost_at_the_wrap(ends: tuple[End, End]) -> None:
    caller, callee = ends
    ear = _listen(callee)
    packets = [_audio(sequence) for sequence in range(65500, 65600)]
    await callee.hear(*_sent(caller, *packets))

    assert len(ear.heard) == 100


# What must not pass.


async def test_a_wrong_key_gives_silence() -> None:
    caller, callee = await start(caller_secret=NEXT_SECRET)
    ear = _listen(callee)
    await callee.hear(*_sent(caller, _audio(1)))
    await callee.transport.stop()
    await caller.transport.stop()

    assert (ear.heard, callee.events, callee.transport.dropped) == ([], [], 1)


async def test_a_replayed_packet_is_dropped(ends: tuple[End, End]) -> None:
    caller, callee = ends
    ear = _listen(callee)
    (datagram,) = _sent(caller, _audio(1))
    await callee.hear(datagram, datagram)

    assert (ear.heard, callee.transport.dropped) == ([1], 1)


@pytest.mark.parametrize("place", [0, 3, 11, 12, 152])
async def test_a_packet_with_a_changed_byte_is_dropped(
    ends: tuple[End, End], place: int
) -> None:
    caller, callee = ends
    ear = _listen(callee)
    (datagram,) = _sent(caller, _audio(1))
    forged = bytearray(datagram)
    forged[place] ^= 1
    await callee.hear(bytes(forged))

    assert (ear.heard, callee.events) == ([], [])


async def test_our_own_packet_sent_back_to_us_is_dropped(ends: tuple[End, End]) -> None:
    caller, _ = ends
    ear = _listen(caller)
    await caller.hear(*_sent(caller, _audio(1)))

    assert (ear.heard, caller.transport.dropped) == ([], 1)


async def test_a_stream_that_was_not_described_is_dropped(
    ends: tuple[End, End],
) -> None:
    caller, callee = ends
    ear = _listen(callee)
    await callee.hear(*_sent(caller, _audio(1, ssrc=SSRC + 1)))

    assert (ear.heard, callee.transport.dropped) == ([], 1)


async def test_a_described_stream_with_another_payload_type_is_dropped(
    ends: tuple[End, End],
) -> None:
    caller, callee = ends
    ear = Ear()
    callee.transport.expect(SSRC, 102, ear.take)
    await callee.hear(*_sent(caller, _audio(1)))

    assert (ear.heard, callee.transport.dropped) == ([], 1)


async def test_a_report_that_nobody_expects_is_dropped(ends: tuple[End, End]) -> None:
    caller, callee = ends
    caller.transport.send_rtcp(REPORT)
    await callee.hear(*caller.take())

    assert callee.transport.dropped == 1


async def test_what_its_receiver_refuses_is_counted(ends: tuple[End, End]) -> None:
    def refuse(packet: bytes, now: float) -> None:
        raise MalformedError(f"{len(packet)} bytes at {now}")

    caller, callee = ends
    callee.transport.expect(SSRC, AUDIO_PT, refuse)
    await callee.hear(*_sent(caller, _audio(1)))

    assert (callee.transport.dropped, callee.events) == (1, [FirstVerified()])


@pytest.mark.parametrize(
    "datagram", [b"", b"\x00" * 20, b"\x30", b"\x16" * 40, b"\x80", b"\x80" * 1600]
)
async def test_what_is_of_no_protocol_of_ours_is_dropped(
    ends: tuple[End, End], datagram: bytes
) -> None:
    _, callee = ends
    await callee.hear(datagram)

    assert (callee.events, callee.transport.dropped) == ([], 1)


# What must not leave.


async def test_the_same_packet_is_not_sealed_twice(ends: tuple[End, End]) -> None:
    caller, _ = ends
    _sent(caller, _audio(1))
    with pytest.raises(KeyReuseError):
        caller.transport.send_rtp(_audio(1, payload=b"\1" * PAYLOAD_BYTES))

    assert (caller.take(), len(caller.events)) == ([], 1)


async def test_audio_of_another_size_stops_the_call(ends: tuple[End, End]) -> None:
    caller, _ = ends
    with pytest.raises(MalformedError):
        caller.transport.send_rtp(_audio(1, payload=bytes(126)))

    assert (caller.take(), caller.events) == (
        [],
        [MediaFailed("audio of 138 bytes is of no state")],
    )


async def test_nothing_is_sent_after_the_end(ends: tuple[End, End]) -> None:
    caller, _ = ends
    await caller.transport.stop()

    assert _sent(caller, _audio(1)) == []


async def test_nothing_is_heard_after_the_end(ends: tuple[End, End]) -> None:
    caller, callee = ends
    ear = _listen(callee)
    await callee.transport.stop()
    await callee.hear(*_sent(caller, _audio(1)))

    assert (ear.heard, callee.transport.received) == ([], 0)


@pytest.mark.parametrize("state", AudioState, ids=lambda state: state.name)
async def test_audio_of_each_state_may_leave(
    ends: tuple[End, End], state: AudioState
) -> None:
    (datagram,) = _sent(ends[0], _audio(1, payload=bytes(state.value.payload_bytes)))

    assert len(datagram) == state.value.datagram_bytes - 28
    assert len(datagram) - 16 in AUDIO_BYTES


async def test_an_extension_does_not_leave(ends: tuple[End, End]) -> None:
    caller, _ = ends
    with pytest.raises(MalformedError, match="0x90"):
        caller.transport.send_rtp(b"\x90" + _audio(1)[1:])

    assert caller.take() == []


# Epochs.


async def _rekeyed(caller: End, callee: End) -> None:
    callee.transport.install(1, NEXT_SECRET, initiator=False)
    caller.transport.install(1, NEXT_SECRET, initiator=True)


async def test_a_rekey_loses_no_packet(ends: tuple[End, End]) -> None:
    caller, callee = ends
    at_caller, at_callee = _listen(caller), _listen(callee)
    for sequence in range(20):
        if sequence == 5:
            await _rekeyed(caller, callee)
        await callee.hear(*_sent(caller, _audio(sequence)))
        await caller.hear(*_sent(callee, _audio(sequence)))

    assert (at_caller.heard, at_callee.heard) == (list(range(20)), list(range(20)))


async def test_a_rekey_on_a_lossy_path_costs_only_what_was_lost(
    ends: tuple[End, End],
) -> None:
    caller, callee = ends
    ear, luck, carried = _listen(callee), random.Random(7), []
    await callee.hear(*_sent(caller, _audio(0)))
    for sequence in range(1, 400):
        if sequence == 100:
            await _rekeyed(caller, callee)
        (datagram,) = _sent(caller, _audio(sequence))
        if luck.random() > 0.1:
            carried.append(sequence)
            await callee.hear(datagram)

    assert ear.heard == [0, *carried]


async def test_many_rekeys_over_many_wraps_lose_nothing(
    ends: tuple[End, End],
) -> None:
    """Four wraps of the sequence number; 16 packets at a time, in any order."""
    caller, callee = ends
    ears, luck = (_listen(caller), _listen(callee)), random.Random(3)
    epoch, sent = 0, 0
    for step in range(0, 262_144, 128):
        packets = [_audio(step + n) for n in range(0, 128, 8)]
        for sender, receiver in ((caller, callee), (callee, caller)):
            datagrams = _sent(sender, *packets)
            luck.shuffle(datagrams)
            await receiver.hear(*datagrams)
        sent += len(packets)
        for end in ends:
            end.now += 1.28
            end.tick()
        initiator, responder = luck.sample(ends, 2)
        if initiator.transport.epochs.is_ready and luck.random() < 0.2:
            epoch += 1
            secret = luck.randbytes(64)
            responder.transport.install(epoch, secret, initiator=False)
            initiator.transport.install(epoch, secret, initiator=True)

    assert (len(ears[0].heard), len(ears[1].heard)) == (sent, sent)
    assert epoch > 50


async def test_both_sides_tell_when_they_switch(ends: tuple[End, End]) -> None:
    caller, callee = ends
    await _rekeyed(caller, callee)
    before = list(callee.events)
    await callee.hear(*_sent(caller, _audio(1)))
    _sent(callee, _audio(1))

    assert (caller.events, before, callee.events) == (
        [SendEpoch(1)],
        [],
        [FirstVerified(), SendEpoch(1)],
    )


async def test_the_new_epoch_is_sealed_with_the_new_key(ends: tuple[End, End]) -> None:
    caller, callee = ends
    await _rekeyed(caller, callee)
    (datagram,) = _sent(caller, _audio(9))

    assert datagram == _oracle(schedule.srtp(NEXT_SECRET, CALLER, 1), _audio(9), 0)


async def test_a_late_packet_of_the_old_epoch_is_heard(ends: tuple[End, End]) -> None:
    caller, callee = ends
    ear = _listen(callee)
    old = _sent(caller, _audio(1))
    await _rekeyed(caller, callee)
    await callee.hear(*_sent(caller, _audio(2)), *old)

    assert ear.heard == [2, 1]


async def test_a_retired_epoch_is_not_heard_any_more(ends: tuple[End, End]) -> None:
    caller, callee = ends
    ear = _listen(callee)
    old = _sent(caller, _audio(1))
    await _rekeyed(caller, callee)
    await callee.hear(*_sent(caller, _audio(2)))
    callee.now += RETIRE_AFTER_S
    callee.tick()
    await callee.hear(*old)

    assert (ear.heard, ReceiveEpochRetired(0) in callee.events) == ([2], True)


async def test_a_record_under_the_new_epoch_counts_as_a_packet(
    ends: tuple[End, End],
) -> None:
    caller, callee = ends
    await _rekeyed(caller, callee)
    caller.transport.send_control(ControlQueue().cut(b"ping")[0])
    await callee.hear(*caller.take())
    _sent(callee, _audio(1))

    assert callee.events[-1] == SendEpoch(1)


async def test_an_epoch_cannot_be_installed_again(ends: tuple[End, End]) -> None:
    with pytest.raises(UnexpectedEventError):
        ends[0].transport.install(0, SECRET, initiator=True)


async def test_near_a_wrap_the_old_epoch_goes_on(ends: tuple[End, End]) -> None:
    caller, callee = ends
    ear = _listen(callee)
    await callee.hear(*_sent(caller, _audio(65530)))
    await _rekeyed(caller, callee)
    before = caller.transport.epochs.sending
    await callee.hear(*_sent(caller, *map(_audio, range(65531, 65541))))

    assert (before, caller.transport.epochs.sending, len(ear.heard)) == (0, 1, 11)


# Paths.


async def test_a_new_path_carries_the_same_sessions(ends: tuple[End, End]) -> None:
    caller, callee = ends
    ear = _listen(callee)
    await callee.hear(*_sent(caller, _audio(1)))
    new = MemoryPath()
    caller.transport.move(new)
    caller.transport.send_rtp(_audio(2))
    await callee.hear(*new.sent)

    assert (ear.heard, caller.take()) == ([1, 2], [])


async def test_both_paths_are_heard_during_a_move(ends: tuple[End, End]) -> None:
    caller, callee = ends
    ear = _listen(callee)
    old = _sent(caller, _audio(1), _audio(2))
    new = MemoryPath()
    callee.transport.move(new)
    new.deliver(old[1])
    await callee.hear(old[0])

    assert sorted(ear.heard) == [1, 2]


async def test_a_packet_on_the_new_path_is_told(ends: tuple[End, End]) -> None:
    caller, callee = ends
    first, late, second = _sent(caller, _audio(1), _audio(2), _audio(3))
    await callee.hear(first)
    new = MemoryPath()
    callee.transport.move(new)
    await callee.hear(late)
    before = list(callee.events)
    new.deliver(second)
    await callee.hear()

    assert (before, callee.events[1:]) == ([FirstVerified()], [HeardAgain()])


async def test_a_dead_path_costs_packets_and_not_the_call(
    ends: tuple[End, End],
) -> None:
    caller, _ = ends
    caller.path.is_dead = True
    _sent(caller, _audio(1))
    caller.path.is_dead = False

    assert len(_sent(caller, _audio(2))) == 1


async def test_silence_is_told(ends: tuple[End, End]) -> None:
    caller, callee = ends
    await callee.hear(*_sent(caller, _audio(1)))
    callee.now += 3.5
    callee.tick()

    assert callee.events == [FirstVerified(), Quiet(3.5)]


# Records.


async def test_a_control_message_arrives_whole(ends: tuple[End, End]) -> None:
    caller, callee = ends
    message = bytes(range(256)) * 5
    for plaintext in ControlQueue().cut(message):
        caller.transport.send_control(plaintext)
    sizes = set(map(len, caller.path.sent))
    await callee.hear(*caller.take())

    assert (sizes, callee.events) == (
        {666},
        [FirstVerified(), ControlReceived(message)],
    )


async def test_sctp_packets_travel_as_records(ends: tuple[End, End]) -> None:
    caller, callee = ends
    ear = DataEar()
    callee.transport._register_data_receiver(ear)
    await caller.transport._send_data(b"packet")
    await callee.hear(*caller.take())

    assert ear.heard == [b"packet"]


async def test_sctp_packets_nobody_asked_for_go_nowhere(ends: tuple[End, End]) -> None:
    caller, callee = ends
    caller.transport.send_control(format_sctp(b"packet"))
    await callee.hear(*caller.take())

    assert callee.events == [FirstVerified()]


async def test_a_replayed_record_is_dropped(ends: tuple[End, End]) -> None:
    caller, callee = ends
    caller.transport.send_control(ControlQueue().cut(b"once")[0])
    (record,) = caller.take()
    await callee.hear(record, record)

    assert (callee.events, callee.transport.dropped) == (
        [FirstVerified(), ControlReceived(b"once")],
        1,
    )


async def test_a_record_that_verifies_but_makes_no_sense_is_dropped(
    ends: tuple[End, End],
) -> None:
    _, callee = ends
    sealer = Sealer(schedule.record(SECRET, CALLER, 0), 0)
    await callee.hear(sealer.seal(b"\x01nonsense"))

    assert (callee.events, callee.transport.dropped) == ([FirstVerified()], 1)


async def test_records_stop_with_the_transport(ends: tuple[End, End]) -> None:
    caller, _ = ends
    await caller.transport.stop()
    await asyncio.sleep(0)

    with pytest.raises(ConnectionError):
        await caller.transport._send_data(b"packet")
