"""Telephone calls through the worker, with real telephones; and workers gone mad."""

import asyncio
import os
import re
import signal
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path

import pytest

from tests.voip.gateway.phones import (
    OURS_HZ,
    THEIRS_HZ,
    Authority,
    Kept,
    Phone,
    Watched,
    free_ports,
    line_to,
    make_authority,
    need_baresip,
    need_stack,
    python_worker,
    running_phone,
    until,
    watch,
)
from tests.voip.gateway.sippeer import (
    NULL_SUITE,
    PLAIN_RTP,
    SRTP,
    Media,
    Peer,
    serving_peer,
)
from voip.errors import (
    MalformedError,
    NotAllowedError,
    UnexpectedEventError,
    UnreachableError,
)
from voip.gateway.sip.account import parse_account
from voip.gateway.sip.call import (
    CallOver,
    Held,
    Pressed,
    Referred,
    Secured,
    Unsecured,
)
from voip.gateway.sip.calls import MAX_LEGS
from voip.gateway.sip.frames import THEIRS
from voip.gateway.sip.leg import Replaced, SipLeg
from voip.gateway.sip.telephony import SipLine
from voip.gateway.sip.trace import format_traced
from voip.media.pattern import Tone, draw_pattern
from voip.media.plan import MediaPlan
from voip.media.sources import Picture
from voip.signalling.legs import LegReason, Mark

SUITE = "AES_CM_128_HMAC_SHA1_80"
KEYS = {"sdes": "srtp-mand", "dtls": "dtls_srtp"}
TRUNK = parse_account(b"account sip:a@pbx.example\nregister never\n")
MATRIX = [*product(("udp", "tcp", "tls"), KEYS, ("opus", "pcmu", "pcma"))]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    need_baresip()
    return make_authority(tmp_path / "authority")


def expected_mark(transport: str, keying: str) -> Mark:
    if keying == "sdes" and transport != "tls":
        return Mark.NOT_ENCRYPTED
    return Mark.TO_PBX


@pytest.mark.slow
@pytest.mark.parametrize(("transport", "keying", "codec"), MATRIX)
async def test_tones_pass_both_ways(
    tmp_path: Path, authority: Authority, transport: str, keying: str, codec: str
) -> None:
    phone_at = running_phone(tmp_path / "phone", authority, keying=KEYS[keying])
    async with phone_at as phone:
        line = line_to(
            phone,
            authority,
            f"keying {keying}",
            f"codecs {codec}",
            transport=transport,
            allow_unencrypted=True,
        )
        async with line:
            await line.registered()
            call = watch(line.dial(phone.uri(transport=transport)))
            secured = await call.secured()
            await call.hears(2.0)
            call.leg.end()
            over = await call.over()
        found = [call.ear.hertz, phone.heard_hz()]

    assert secured == Secured(
        expected_mark(transport, keying), SUITE if keying == "sdes" else "DTLS-SRTP"
    )
    assert over.reason is LegReason.NORMAL
    assert found == pytest.approx([THEIRS_HZ, OURS_HZ], abs=5)


async def dialled(
    folder: Path,
    authority: Authority,
    *lines: str,
    keying: str = "srtp-mand",
    host: str = "localhost",
    ca_file: Path | None = None,
    transport: str = "tls",
    allow_unencrypted: bool = False,
) -> CallOver | Secured:
    """Call a telephone; gives how the call became safe, or why it did not."""
    async with running_phone(folder / "phone", authority, keying=keying) as phone:
        line = line_to(
            phone,
            authority if ca_file is None else make_authority(ca_file),
            *lines,
            host=host,
            transport=transport,
            allow_unencrypted=allow_unencrypted,
        )
        async with line:
            await line.registered()
            call = watch(line.dial(phone.uri(host, transport)))
            await until(
                lambda: any(isinstance(e, CallOver | Secured) for e in call.happened),
                15,
            )
            found = next(e for e in call.happened if isinstance(e, CallOver | Secured))
            if isinstance(found, CallOver):
                assert not call.ear.pcm
            return found


@pytest.mark.slow
async def test_a_certificate_of_another_authority_is_refused(
    tmp_path: Path, authority: Authority
) -> None:
    over = await dialled(tmp_path, authority, ca_file=tmp_path / "other")

    assert over == CallOver(
        LegReason.UNREACHABLE,
        0,
        "certificate of localhost not accepted",
        is_certificate=True,
    )


@pytest.mark.slow
async def test_a_certificate_of_another_name_is_refused(
    tmp_path: Path, authority: Authority
) -> None:
    phone_at = running_phone(tmp_path / "phone", authority, host="elsewhere.example")
    async with phone_at as phone, line_to(phone, authority) as line:
        await line.registered()
        over = await watch(line.dial(phone.uri())).over()

    assert over.is_certificate


@pytest.mark.slow
async def test_the_certificate_of_an_address_proves_nothing(
    tmp_path: Path, authority: Authority
) -> None:
    secured = await dialled(
        tmp_path, authority, host="127.0.0.1", allow_unencrypted=True
    )

    assert secured == Secured(Mark.NOT_ENCRYPTED, SUITE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "keying"),
    [((), ""), (("keying dtls",), ""), (("keying dtls",), "srtp-mand")],
    ids=["sdes to plain", "dtls to plain", "dtls to sdes"],
)
async def test_a_telephone_without_our_encryption_is_not_talked_to(
    tmp_path: Path, authority: Authority, lines: tuple[str, ...], keying: str
) -> None:
    over = await dialled(tmp_path, authority, *lines, keying=keying)

    assert over == CallOver(
        LegReason.NO_ENCRYPTION, 488, "localhost offers no encryption"
    )


@pytest.mark.slow
async def test_plain_sound_passes_where_the_user_and_the_file_allow_it(
    tmp_path: Path, authority: Authority
) -> None:
    secured = await dialled(
        tmp_path,
        authority,
        "keying none",
        keying="",
        transport="udp",
        allow_unencrypted=True,
    )

    assert secured == Secured(Mark.NOT_ENCRYPTED, "")


PLAIN = b"account sip:a@pbx.example\nkeying none\nunencrypted allowed\n"
WEAK = b"account sip:a@pbx.example\ntransport udp\n"


@pytest.mark.parametrize(
    ("file", "allowed"), [(PLAIN, False), (WEAK, False), (WEAK, True)], ids=range(3)
)
def test_a_weak_account_is_refused_before_anybody_is_called(
    file: bytes, *, allowed: bool
) -> None:
    with pytest.raises(NotAllowedError, match="can be heard on their way"):
        SipLine(parse_account(file), allow_unencrypted=allowed)


@asynccontextmanager
async def standing(
    folder: Path, authority: Authority, *lines: str, keying: str = "srtp-mand"
) -> AsyncIterator[tuple[SipLine, Phone, Watched]]:
    """A call with a telephone, up and safe."""
    phone_at = running_phone(folder / "phone", authority, keying=keying)
    async with phone_at as phone, line_to(phone, authority, *lines) as line:
        await line.registered()
        call = watch(line.dial(phone.uri()))
        await call.secured()
        yield line, phone, call


@pytest.mark.slow
@pytest.mark.parametrize("keying", KEYS)
async def test_a_hold_of_ours_shuts_and_a_resume_opens(
    tmp_path: Path, authority: Authority, keying: str
) -> None:
    async with standing(
        tmp_path, authority, f"keying {keying}", keying=KEYS[keying]
    ) as (_, _, call):
        call.leg.hold(on=True)
        await call.until(Unsecured)
        await call.secured(2)
        call.leg.hold(on=False)
        await call.secured(3)
        await call.hears(2.0)

        assert call.ear.hertz == pytest.approx(THEIRS_HZ, abs=5)


@pytest.mark.slow
@pytest.mark.parametrize("keying", KEYS)
async def test_a_hold_of_theirs_is_told_and_opens_again(
    tmp_path: Path, authority: Authority, keying: str
) -> None:
    async with standing(
        tmp_path, authority, f"keying {keying}", keying=KEYS[keying]
    ) as (_, phone, call):
        await phone.command("hold")
        held = await call.until(Held)
        await phone.command("resume")
        resumed = await call.until(Held, 2)
        await call.secured(3)
        await call.hears(2.0)

        assert (held, resumed) == (Held(on=True), Held(on=False))
        assert call.ear.hertz == pytest.approx(THEIRS_HZ, abs=5)


@pytest.mark.slow
async def test_our_digits_arrive(tmp_path: Path, authority: Authority) -> None:
    async with standing(tmp_path, authority) as (_, phone, call):
        call.leg.press("159#")
        for digit in "159#":
            await phone.saw(f"received event: '{digit}'")


@pytest.mark.slow
async def test_their_digits_arrive(tmp_path: Path, authority: Authority) -> None:
    async with standing(tmp_path, authority) as (_, phone, call):
        for digit in "42*":
            await phone.command("sndcode", digit)
            await asyncio.sleep(0.3)  # how long a key is held
        await call.until(Pressed, 3)
        pressed = [each for each in call.happened if isinstance(each, Pressed)]

    assert pressed == [Pressed("4"), Pressed("2"), Pressed("*")]


async def test_what_is_no_key_is_refused_before_it_leaves() -> None:
    leg = SipLeg.__new__(SipLeg)

    with pytest.raises(MalformedError, match="expected out of 0-9"):
        leg.press("12x")


@pytest.mark.slow
async def test_their_end_ends_the_call(tmp_path: Path, authority: Authority) -> None:
    async with standing(tmp_path, authority) as (_, phone, call):
        await phone.command("hangup")
        over = await call.over()

    assert over.reason is LegReason.NORMAL


@pytest.mark.slow
async def test_a_transfer_of_ours_ends_our_call(
    tmp_path: Path, authority: Authority
) -> None:
    async with (
        running_phone(tmp_path / "third", authority) as third,
        standing(tmp_path, authority) as (_, _, call),
    ):
        call.leg.transfer(f"sip:phone@127.0.0.1:{third.port}")
        over = await call.over()
        await third.saw("established")

    assert over.reason is LegReason.NORMAL


@pytest.mark.slow
@pytest.mark.parametrize("accepts", [True, False])
async def test_a_transfer_of_theirs_is_ours_to_accept(
    tmp_path: Path, authority: Authority, *, accepts: bool
) -> None:
    async with (
        running_phone(tmp_path / "third", authority) as third,
        standing(tmp_path, authority) as (_, phone, call),
    ):
        # By our exchange, which is the telephone itself, as everything is.
        await phone.command("transfer", f"sip:phone@localhost:{third.port_for('tls')}")
        asked = await call.until(Referred)
        assert isinstance(asked, Referred)
        call.leg.refer(asked.uri, accept=accepts)
        if accepts:
            replaced = await call.until(Replaced)
            assert isinstance(replaced, Replaced)
            assert replaced.leg.peer == asked.uri
        else:
            await phone.saw("603")

    assert str(third.port_for("tls")) in asked.uri


@pytest.mark.slow
async def test_a_call_that_comes_is_answered(
    tmp_path: Path, authority: Authority
) -> None:
    port = free_ports()
    async with running_phone(tmp_path / "phone", authority) as phone:
        line = SipLine(
            parse_account(
                b"account sip:gateway@127.0.0.1\nregister never\ntransport udp\n"
                b"unencrypted allowed\nlisten %d\n" % port
            ),
            ca_file=authority.ca_file,
            allow_unencrypted=True,
            interface="127.0.0.1",
        )
        async with line:
            await line.registered()
            await phone.command("dial", f"sip:gateway@127.0.0.1:{port}")
            leg = await anext(line.incoming())
            leg.answer()
            call = watch(leg)
            secured = await call.secured()
            await call.hears(2.0)

    assert (secured, leg.peer.startswith("sip:phone@")) == (
        Secured(Mark.NOT_ENCRYPTED, SUITE),
        True,
    )
    assert call.ear.hertz == pytest.approx(THEIRS_HZ, abs=5)


@pytest.mark.slow
async def test_a_trace_has_the_messages_and_no_keys(
    tmp_path: Path, authority: Authority
) -> None:
    heard: list[str] = []
    async with (
        running_phone(tmp_path / "phone", authority) as phone,
        line_to(phone, authority, trace=heard.append) as line,
    ):
        await line.registered()
        call = watch(line.dial(phone.uri()))
        await call.secured()
        call.leg.end()
        await call.over()
        await until(lambda: any("BYE" in each for each in heard))
    text = "".join(format_traced(each, 0.0) for each in heard)

    assert "inline:" in "".join(heard)
    assert re.search(r"inline:(?!\[left out\])", text) is None
    assert ("INVITE sip:phone@" in text, "SIP/2.0 200" in text) == (True, True)


@pytest.mark.slow
async def test_pictures_pass_both_ways(tmp_path: Path, authority: Authority) -> None:
    async with (
        running_phone(tmp_path / "phone", authority) as phone,
        line_to(phone, authority, "video yes") as line,
    ):
        await line.registered()
        window, ear = Window(), Kept()
        plan = MediaPlan(
            audio_source=Tone(OURS_HZ),
            audio_sink=ear,
            video_source=Camera(),
            video_sink=window,
        )
        call = watch(line.dial(phone.uri(), video=True), plan)
        await call.secured()
        await until(lambda: len(window.sizes) > 25, 15)

    assert set(window.sizes) <= {(640, 480), (320, 240), (352, 288), (176, 144)}


class Camera:
    """The test pattern, 25 times a second."""

    def __init__(self) -> None:
        self._number = 0

    async def picture(self) -> Picture:
        await asyncio.sleep(0.04)
        self._number += 1
        return draw_pattern(self._number, 320, 240)

    def close(self) -> None:
        pass


class Window:
    """Notes the sizes of what it shows."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []

    def show(self, picture: Picture) -> None:
        self.sizes.append((picture.width, picture.height))

    def close(self) -> None:
        pass


@asynccontextmanager
async def with_peer(folder: Path, media: Media) -> AsyncIterator[tuple[Peer, Watched]]:
    """A call with a peer made by hand, over TLS; it was answered."""
    need_stack()
    authority, port = make_authority(folder / "authority"), free_ports()
    account = f"account sip:gateway@localhost:{port}\nregister never\ncodecs pcmu\n"
    line = SipLine(
        parse_account(account.encode()),
        ca_file=authority.ca_file,
        interface="127.0.0.1",
    )
    async with serving_peer(authority.vouch("localhost"), port) as peers, line:
        await line.registered()
        call = watch(line.dial(f"sip:peer@localhost:{port}"))
        peer = await peers.get()
        await peer.take_call(media)
        yield peer, call


@pytest.mark.slow
async def test_an_answer_in_plain_rtp_is_no_call(tmp_path: Path) -> None:
    async with with_peer(tmp_path, PLAIN_RTP) as (_, call):
        over = await call.over()

    assert over.reason in {LegReason.NO_ENCRYPTION, LegReason.UNREACHABLE}
    assert not call.ear.pcm


@pytest.mark.slow
async def test_an_answer_with_a_null_suite_is_no_call(tmp_path: Path) -> None:
    async with with_peer(tmp_path, NULL_SUITE) as (_, call):
        over = await call.over()

    assert over.reason is LegReason.NO_ENCRYPTION


@pytest.mark.slow
@pytest.mark.parametrize("media", [PLAIN_RTP, NULL_SUITE], ids=["plain", "null suite"])
async def test_a_change_to_no_encryption_lets_no_sound_pass(
    tmp_path: Path, media: Media
) -> None:
    async with with_peer(tmp_path, SRTP) as (peer, call):
        await call.secured()
        await peer.offer(media)
        over = await call.over()

    assert (over.reason, call.happened[-2]) == (LegReason.NO_ENCRYPTION, Unsecured())


@pytest.mark.slow
async def test_a_change_to_the_same_encryption_opens_again(tmp_path: Path) -> None:
    async with with_peer(tmp_path, SRTP) as (peer, call):
        await call.secured()
        await peer.offer(SRTP)

        assert await call.secured(2) == Secured(Mark.TO_PBX, SUITE)


@pytest.mark.slow
async def test_nobody_comes_in_by_tls_but_on_our_own_connection(
    tmp_path: Path,
) -> None:
    need_stack()
    authority = make_authority(tmp_path / "authority")
    listen = free_ports()
    account = f"account sip:a@pbx.example\nregister never\nlisten {listen}\n"
    line = SipLine(
        parse_account(account.encode()),
        ca_file=authority.ca_file,
        interface="127.0.0.1",
    )
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    async with line:
        await line.registered()
        with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
            await asyncio.open_connection("127.0.0.1", listen + 1, ssl=anybody)


@pytest.mark.slow
async def test_a_killed_worker_ends_the_call_and_another_begins(
    tmp_path: Path, authority: Authority
) -> None:
    async with standing(tmp_path, authority) as (line, phone, call):
        assert line.worker_pid is not None
        os.kill(line.worker_pid, signal.SIGKILL)
        over = await call.over()
        with pytest.raises(UnreachableError, match="being started again"):
            line.dial(phone.uri())
        await until(lambda: line.is_registered)
        again = watch(line.dial(phone.uri()))
        secured = await again.secured()

    assert over == CallOver(LegReason.LOST, 0, "the SIP worker ended")
    assert (secured, line.counts.worker_restarts) == (
        Secured(Mark.TO_PBX, SUITE),
        1,
    )


@pytest.mark.slow
async def test_a_worker_has_no_environment_and_no_file_of_ours(
    tmp_path: Path, authority: Authority
) -> None:
    async with standing(tmp_path, authority) as (line, _, _):
        process = Path(f"/proc/{line.worker_pid}")
        environment = (process / "environ").read_bytes()
        opened = [str(each.readlink()) for each in (process / "fd").iterdir()]

    files = [each for each in opened if each.startswith("/") and "/dev/" not in each]
    assert (environment, files) == (b"", [])


# Workers gone mad.

READY = "sock.sendall(format_event(Event(Said.READY)))\n"
WAIT = "while sock.recv(65536): pass\n"


def mad(code: str, ca_file: Path) -> SipLine:
    ca_file.touch()
    return SipLine(TRUNK, ca_file=ca_file, worker=python_worker(code))


@pytest.mark.slow
@pytest.mark.parametrize(
    "rubbish",
    [
        "b'\\xff' * 64",
        "format_command(Command(Order.REGISTER))",
        "b'\\0\\0\\0\\x0c\\x03' + bytes(11)",
    ],
    ids=["bytes", "a command", "a torn frame"],
)
async def test_a_worker_that_says_rubbish_is_ended(
    tmp_path: Path, rubbish: str
) -> None:
    async with mad(
        f"{READY}sock.recv(9)\ntime.sleep(0.2)\nsock.sendall({rubbish})\n{WAIT}",
        tmp_path / "ca",
    ) as line:
        await line.registered()
        call = watch(line.dial("sip:b@pbx.example"))

        assert await call.over() == CallOver(LegReason.LOST, 0, "the SIP worker ended")


@pytest.mark.slow
async def test_a_worker_that_does_not_begin_is_ended(tmp_path: Path) -> None:
    (tmp_path / "ca").touch()
    line = SipLine(
        TRUNK, ca_file=tmp_path / "ca", worker=python_worker(WAIT), start_s=0.5
    )
    async with line:
        with pytest.raises(UnreachableError, match="the SIP worker does not begin"):
            await line.registered()
        await until(lambda: line.counts.worker_restarts == 1)

    assert not line.is_registered


@pytest.mark.slow
async def test_a_worker_that_cannot_be_started_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca").touch()
    worker = python_worker(READY + WAIT)
    line = SipLine(TRUNK, ca_file=tmp_path / "ca", worker=worker)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "no folder"))
    async with line:
        with pytest.raises(UnreachableError, match="the SIP worker does not begin"):
            await line.registered()
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        await until(lambda: line.is_registered)

    assert line.counts.worker_restarts == 1


@pytest.mark.slow
async def test_a_worker_that_the_kernel_stops_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stopped = f"{READY}import os, signal\nos.kill(os.getpid(), signal.SIGSYS)\n"
    async with mad(stopped, tmp_path / "ca") as line:
        await until(lambda: line.counts.worker_restarts == 1)

    assert "asked for what no telephone needs" in caplog.text


@pytest.mark.slow
async def test_calls_beyond_the_most_are_ended_at_the_worker(tmp_path: Path) -> None:
    first = THEIRS + 1
    told = (
        f"{READY}"
        f"for number in range({first}, {first + MAX_LEGS + 1}):\n"
        "    sock.sendall(format_event(Event(Said.INCOMING, number, 0, 'sip:x@y')))\n"
        "while data := sock.recv(65536):\n"
        "    for each in reader.feed(data):\n"
        "        if each.order is Order.END:\n"
        f"            told = Event(Said.DIGIT, {first}, 0, str(each.call % 10))\n"
        "            sock.sendall(format_event(told))\n"
    )
    async with mad(told, tmp_path / "ca") as line:
        call = watch(await anext(line.incoming()))
        pressed = await call.until(Pressed)

    assert pressed == Pressed(str((first + MAX_LEGS) % 10))


@pytest.mark.slow
async def test_a_worker_that_has_begun_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ca").touch()
    line = SipLine(
        TRUNK, ca_file=tmp_path / "ca", worker=python_worker(READY + WAIT), start_s=2.0
    )
    async with line:
        await line.registered()
        await asyncio.sleep(2.5)

        assert (line.is_registered, line.counts.worker_restarts) == (True, 0)


@pytest.mark.slow
async def test_what_a_worker_tells_of_calls_that_are_not_is_nothing(
    tmp_path: Path,
) -> None:
    told = (
        f"{READY}"
        "for said in Said:\n"
        "    if said not in (Said.UNREGISTERED, Said.INCOMING):\n"
        "        sock.sendall(format_event(Event(said, 77, 0, 'x')))\n"
        "sock.sendall(format_sound(77, 0, b''))\n"
        "sock.sendall(format_event(Event(Said.INCOMING, 5, 0, 'sip:x@y')))\n"
        "sock.sendall(format_event(Event(Said.INCOMING, 0x8001, 0, 'sip:x@y')))\n"
        f"{WAIT}"
    )
    async with mad(told, tmp_path / "ca") as line:
        leg = await anext(line.incoming())

    assert leg.peer == "sip:x@y"


REPLACING = (
    f"{READY}"
    "while data := sock.recv(65536):\n"
    "    for each in reader.feed(data):\n"
    "        told = []\n"
    "        if each.order in (Order.DIAL, Order.REFER):\n"
    "            for number in (0x8001, 0x8002):\n"
    "                told.append(Event(Said.REPLACED, number, 0, '1'))\n"
    "        if each.order is Order.END:\n"
    "            told.append(Event(Said.DIGIT, 1, 0, str(each.call - 0x8000)))\n"
    "        for event in told:\n"
    "            sock.sendall(format_event(event))\n"
)


@pytest.mark.slow
async def test_a_call_in_place_of_another_that_nobody_wanted_is_ended(
    tmp_path: Path,
) -> None:
    async with mad(REPLACING, tmp_path / "ca") as line:
        await line.registered()
        call = watch(line.dial("sip:b@pbx.example"))
        await call.until(Pressed, 2)

    assert call.happened[:2] == [Pressed("1"), Pressed("2")]


@pytest.mark.slow
async def test_one_call_takes_the_place_of_another(tmp_path: Path) -> None:
    async with mad(REPLACING, tmp_path / "ca") as line:
        await line.registered()
        call = watch(line.dial("sip:b@pbx.example"))
        await call.until(Pressed, 2)
        call.leg.refer("sip:c@pbx.example", accept=True)
        replaced = await call.until(Replaced)
        ended = await call.until(Pressed, 3)

    assert isinstance(replaced, Replaced)
    assert (replaced.leg.peer, ended) == ("sip:c@pbx.example", Pressed("2"))


@pytest.mark.slow
async def test_sound_before_keys_reaches_nobody(tmp_path: Path) -> None:
    early = (
        f"{READY}"
        "for at in range(20):\n"
        "    time.sleep(0.02)\n"
        "    sock.sendall(format_sound(1, at, bytes(1920)))\n"
        f"sock.sendall(format_event(Event(Said.CLOSED, 1, 486, 'Busy')))\n{WAIT}"
    )
    async with mad(early, tmp_path / "ca") as line:
        await line.registered()
        call = watch(line.dial("sip:b@pbx.example"))
        over = await call.over()

    assert (over.reason, bytes(call.ear.pcm)) == (LegReason.BUSY, b"")


@pytest.mark.slow
async def test_a_wrong_password_is_said_once_and_not_tried_again(
    tmp_path: Path,
) -> None:
    refused = (
        f"{READY}"
        "sock.sendall(format_event(Event(Said.UNREGISTERED, 0, 401, 'No')))\n"
        f"{WAIT}"
    )
    ca_file = tmp_path / "ca"
    ca_file.touch()
    account = parse_account(b"account sip:a@pbx.example")
    line = SipLine(account, ca_file=ca_file, worker=python_worker(refused))
    async with line:
        with pytest.raises(NotAllowedError, match="does not accept the password: 401"):
            await line.registered()
        with pytest.raises(NotAllowedError):
            await anext(line.incoming())

    assert line.counts.worker_restarts == 0


@pytest.mark.slow
async def test_an_exchange_that_does_not_answer_is_asked_again(tmp_path: Path) -> None:
    silent_once = (
        f"{READY}"
        "tells = [Event(Said.UNREGISTERED, 0, 503, 'No'), Event(Said.REGISTERED)]\n"
        "while data := sock.recv(65536):\n"
        "    for each in reader.feed(data):\n"
        "        if each.order is Order.REGISTER:\n"
        "            sock.sendall(format_event(tells.pop(0)))\n"
    )
    ca_file = tmp_path / "ca"
    ca_file.touch()
    line = SipLine(
        parse_account(b"account sip:a@pbx.example"),
        ca_file=ca_file,
        worker=python_worker(silent_once),
        again_s=0.1,
    )
    async with line:
        with pytest.raises(UnreachableError, match="does not register us: 503"):
            await line.registered()
        await until(lambda: line.is_registered)

    assert line.counts.worker_restarts == 0


@pytest.mark.slow
async def test_a_speaker_with_a_clock_of_its_own_is_refused(tmp_path: Path) -> None:
    class Driven:
        def drive(self, pull: object) -> None: ...
        def close(self) -> None: ...

    async with mad(f"{READY}{WAIT}", tmp_path / "ca") as line:
        await line.registered()
        leg = line.dial("sip:b@pbx.example")
        plan = MediaPlan(audio_source=Tone(), audio_sink=Driven())

        with pytest.raises(UnexpectedEventError, match="one bridge port"):
            leg.carry(plan)
