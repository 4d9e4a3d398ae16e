"""DTLS-SRTP with a browser's stand-in: two of ours, one of which plays the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiortc import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
)

from voip.description import Description
from voip.errors import TrustError, UnreachableError
from voip.media.connect.config import IceConfig
from voip.media.connect.path import Path
from voip.media.dtls import Certificate, DtlsTransport, _Flights
from voip.media.rtp import Header, format_header

LOOPBACK = IceConfig(loopback=True)
PACKET = format_header(Header(False, 111, 7, 0, 9)) + b"payload"  # noqa: FBT003 - no marker
REPORT = bytes.fromhex("80c90001") + bytes(4)


class Browser:
    """As much of a browser as DTLS needs: it offered, so it controls and waits."""

    def __init__(self) -> None:
        self.certificate = Certificate()
        self.path = Path(LOOPBACK, controlling=True)
        self.flights = _Flights(self.path)
        self.dtls = RTCDtlsTransport(self.flights, [self.certificate.rtc])  # type: ignore[arg-type]
        self.dtls._set_role("server")
        self.srtp: list[bytes] = []

    def take(self, datagram: bytes) -> None:
        if 20 <= datagram[0] <= 63:
            self.flights.put(datagram)
        else:
            self.srtp.append(datagram)

    async def connect(self, far: Description, certificate: Certificate) -> None:
        self.path.receive = self.take
        await self.path.connect(far)
        value = certificate.fingerprint.hex(":").upper()
        with suppress(ConnectionError):
            await self.dtls.start(
                RTCDtlsParameters([RTCDtlsFingerprint("sha-256", value)])
            )


class Ours:
    """Our transport, and what it handed on."""

    def __init__(self) -> None:
        self.certificate = Certificate()
        self.packets: list[bytes] = []
        self.reports: list[bytes] = []
        self.is_over = asyncio.Event()
        self.transport = DtlsTransport[bytes](
            self.certificate,
            LOOPBACK,
            peer="the guest's browser",
            take=lambda packet, _: self.packets.append(packet),
            take_reports=lambda packet, _: self.reports.append(packet),
            closed=self.is_over.set,
        )


@asynccontextmanager
async def both() -> AsyncIterator[tuple[Ours, Browser]]:
    ours, browser = Ours(), Browser()
    try:
        yield ours, browser
    finally:
        await ours.transport.close()
        await browser.dtls.stop()
        await browser.path.close()


async def connected(ours: Ours, browser: Browser, fingerprint: bytes) -> None:
    own, theirs = await ours.transport.gather(), await browser.path.gather()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(browser.connect(own, ours.certificate))
        await ours.transport.connect(theirs, fingerprint)


async def until(ready: list[bytes]) -> None:
    async with asyncio.timeout(5):
        while not ready:  # noqa: ASYNC110 - nobody says when
            await asyncio.sleep(0.01)


async def test_packets_come_decrypted() -> None:
    async with both() as (ours, browser):
        await connected(ours, browser, browser.certificate.fingerprint)
        browser.path.send(browser.dtls._tx_srtp.protect(PACKET))
        browser.path.send(browser.dtls._tx_srtp.protect_rtcp(REPORT))
        await until(ours.reports)

        assert (ours.packets, ours.reports) == ([PACKET], [REPORT])


async def test_packets_leave_encrypted() -> None:
    async with both() as (ours, browser):
        await connected(ours, browser, browser.certificate.fingerprint)
        ours.transport.send(PACKET)
        await until(browser.srtp)

        assert (
            b"payload" in browser.srtp[0],
            browser.dtls._rx_srtp.unprotect(browser.srtp[0]),
        ) == (False, PACKET)


async def test_reports_leave_encrypted() -> None:
    async with both() as (ours, browser):
        await connected(ours, browser, browser.certificate.fingerprint)
        ours.transport.send_reports(REPORT)
        await until(browser.srtp)

        assert browser.dtls._rx_srtp.unprotect_rtcp(browser.srtp[0]) == REPORT


async def test_a_packet_that_comes_again_is_dropped() -> None:
    async with both() as (ours, browser):
        await connected(ours, browser, browser.certificate.fingerprint)
        sealed = browser.dtls._tx_srtp.protect(PACKET)
        browser.path.send(sealed)
        browser.path.send(sealed)
        browser.path.send(browser.dtls._tx_srtp.protect_rtcp(REPORT))
        await until(ours.reports)

        assert (ours.packets, ours.transport.dropped) == ([PACKET], 1)


async def test_another_certificate_is_an_attack() -> None:
    async with both() as (ours, browser):
        with pytest.raises(ExceptionGroup) as caught:
            await connected(ours, browser, bytes(32))

        assert caught.group_contains(TrustError, match="expected the certificate 0000")


async def test_who_does_not_answer_is_unreachable() -> None:
    async with both() as (ours, browser):
        await ours.transport.gather()
        theirs = await browser.path.gather()

        with pytest.raises(UnreachableError, match="did not answer within"):
            await ours.transport.connect(theirs, bytes(32), within_s=0.1)


async def test_the_end_that_the_other_side_puts_is_told() -> None:
    async with both() as (ours, browser):
        await connected(ours, browser, browser.certificate.fingerprint)
        await browser.dtls.stop()
        async with asyncio.timeout(5):
            await ours.is_over.wait()
        ours.transport.send(PACKET)

        assert ours.transport.sent == 0


async def test_the_end_that_we_put_ourselves_is_not_told() -> None:
    async with both() as (ours, browser):
        await connected(ours, browser, browser.certificate.fingerprint)
        await ours.transport.close()
        await asyncio.sleep(0)

        assert not ours.is_over.is_set()


async def test_nothing_leaves_before_it_is_connected() -> None:
    async with both() as (ours, _):
        ours.transport.send(PACKET)
        ours.transport.send_reports(REPORT)

        assert ours.transport.sent == 0


def test_a_certificate_has_one_fingerprint() -> None:
    certificate = Certificate()

    assert len(certificate.fingerprint) == 32
    assert certificate.fingerprint == certificate.fingerprint


def test_the_private_names_of_aiortc_are_there() -> None:
    """Contract: what `voip.media.dtls` uses of DTLS beside its public names."""
    dtls: Any = RTCDtlsTransport(
        _Flights.__new__(_Flights),  # type: ignore[arg-type]  # as much as it needs
        [RTCCertificate.generateCertificate()],
    )

    assert all(
        hasattr(dtls, name) for name in ("_tx_srtp", "_rx_srtp", "_ssl", "_set_role")
    )
