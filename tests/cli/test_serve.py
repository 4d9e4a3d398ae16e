"""What an operator's tools are told."""

import asyncio
import socket
from collections.abc import Callable

import aiohttp
import pytest

from cli.gateways.report import format_html, parse_status, read_status
from cli.serve import Reason, parse_listen, serve_operations
from voip.errors import MalformedError, StoreError, UnreachableError
from voip.gateway.counts import Direction, End, GatewayCounts, Kind, Mark
from voip.signalling.counts import Call, Op, RelayCounts
from voip.signalling.frames import Status

SIP_DROPPED = 'direction="in",kind="sip",result="dropped"'


@pytest.fixture
def address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


async def fetch(address: str, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{address}{path}") as response,
    ):
        return response.status, await response.text()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)


async def fine() -> None:
    pass


async def broken() -> None:
    raise StoreError("the disk is full")


async def test_a_relay_shows_its_counters(address: str) -> None:
    counts = RelayCounts(connections=3)
    counts.frames[Op.PUT, Status.OK] += 7
    counts.store_s[Call.PUT].add(0.004)
    async with serve_operations(address, counts):
        _, page = await fetch(address, "/metrics")

    assert [
        line in page.splitlines()
        for line in (
            "ringfence_relay_connections 3.0",
            'ringfence_relay_frames_total{op="put",status="ok"} 7.0',
            'ringfence_relay_store_seconds_bucket{call="put",le="0.002"} 0.0',
            'ringfence_relay_store_seconds_bucket{call="put",le="0.005"} 1.0',
            'ringfence_relay_store_seconds_count{call="put"} 1.0',
        )
    ] == [True] * 5


async def test_a_gateway_shows_its_counters(address: str) -> None:
    counts = GatewayCounts(sip_accounts=1, sip_registered=1)
    counts.leg_joined(Kind.SIP, Mark.PBX_ONLY)
    counts.leg_ended(Kind.BROWSER, End.NO_ANSWER)
    counts.frames(Kind.SIP, Direction.IN).dropped += 2
    async with serve_operations(address, counts):
        _, page = await fetch(address, "/metrics")

    assert [
        line in page.splitlines()
        for line in (
            'ringfence_gateway_legs{kind="sip",mark="pbx_only"} 1.0',
            'ringfence_gateway_leg_ends_total{kind="browser",reason="no_answer"} 1.0',
            f"ringfence_gateway_frames_total{{{SIP_DROPPED}}} 2.0",
            "ringfence_gateway_sip_registered 1.0",
        )
    ] == [True] * 4


async def test_a_process_that_turns_is_healthy(address: str) -> None:
    async with serve_operations(address, RelayCounts()):
        code, _ = await fetch(address, "/healthz")

    assert code == 200


async def test_a_loop_that_is_late_is_not_healthy(address: str) -> None:
    async with serve_operations(address, RelayCounts()) as operations:
        operations.lag_s = 1.5
        code, _ = await fetch(address, "/healthz")

    assert code == 503


async def test_ready_once_all_checks_passed(address: str) -> None:
    gate = asyncio.Event()
    async with serve_operations(
        address, RelayCounts(), {Reason.STORE: gate.wait}
    ) as operations:
        before = await fetch(address, "/readyz")
        gate.set()
        await until(lambda: not operations.reasons)
        after = await fetch(address, "/readyz")

    assert (before, after) == (
        (503, '{"ready": false, "reasons": ["starting"]}'),
        (200, '{"ready": true, "reasons": []}'),
    )


async def test_a_check_that_fails_says_which(address: str) -> None:
    async with serve_operations(
        address,
        RelayCounts(),
        {Reason.STORE: broken, Reason.CERTIFICATE: fine},
    ) as operations:
        await until(lambda: operations.reasons == (Reason.STORE,))
        answer = await fetch(address, "/readyz")

    assert answer == (503, '{"ready": false, "reasons": ["store"]}')


async def test_a_check_with_a_bug_fails_and_is_made_again(address: str) -> None:
    async def buggy() -> None:
        raise KeyError

    async with serve_operations(
        address, RelayCounts(), {Reason.STORE: buggy}
    ) as operations:
        await until(lambda: operations.reasons == (Reason.STORE,))
        answer = await fetch(address, "/readyz")

    assert answer == (503, '{"ready": false, "reasons": ["store"]}')


async def test_who_drains_is_not_ready_at_once(address: str) -> None:
    async with serve_operations(address, RelayCounts()) as operations:
        operations.drain()
        answer = await fetch(address, "/readyz")

    assert answer == (503, '{"ready": false, "reasons": ["draining"]}')


async def test_an_address_that_is_taken_is_said(address: str) -> None:
    async with serve_operations(address, RelayCounts()):
        with pytest.raises(UnreachableError, match=f"cannot listen on {address}"):
            async with serve_operations(address, RelayCounts()):
                pass


@pytest.mark.parametrize(
    ("host", "warnings"), [("127.0.0.1", 0), ("0.0.0.0", 1)], ids=["ours", "all"]
)
async def test_pages_that_others_can_read_are_warned_of(
    address: str, host: str, warnings: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serve_operations(address.replace("127.0.0.1", host), RelayCounts()):
        said = capsys.readouterr().err

    assert said.count("others can read these pages") == warnings


@pytest.mark.parametrize("text", ["", "9464", ":9464", "host:", "host:x", "h:65536"])
def test_an_address_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(MalformedError, match="expected HOST:PORT"):
        parse_listen(text)


def test_brackets_hold_an_ipv6_address() -> None:
    assert parse_listen("[::1]:9464") == ("::1", 9464)


async def test_a_status_is_told_in_words(address: str) -> None:
    counts = RelayCounts(connections=3)
    counts.frames[Op.PUT, Status.OK] += 7
    counts.frames[Op.GET, Status.OK] += 2
    async with serve_operations(address, counts):
        status = await read_status(address)

    assert status.lines == [
        f"ready for new work, version {status.version}",
        "clients connected: 3",
        "requests answered: 9 (put ok 7, get ok 2)",
    ]


async def test_a_status_says_why_not(address: str) -> None:
    async with serve_operations(address, RelayCounts()) as operations:
        operations.drain()
        status = await read_status(address)

    assert (status.is_ready, status.lines) == (
        False,
        ["not ready: it is on its way out"],
    )


async def test_nobody_there_is_said(address: str) -> None:
    with pytest.raises(UnreachableError, match="no answer from a gateway or relay"):
        await read_status(address)


@pytest.mark.parametrize(
    ("ready", "metrics"),
    [
        ((404, "not found"), 'ringfence_build_info{version="1"} 1.0'),
        ((503, "nginx"), 'ringfence_build_info{version="1"} 1.0'),
        ((200, '{"ready": true}'), "go_goroutines 7"),
    ],
    ids=["missing", "proxy", "other"],
)
def test_another_program_is_not_taken_for_ours(
    ready: tuple[int, str], metrics: str
) -> None:
    with pytest.raises(MalformedError, match="came others"):
        parse_status(ready, is_healthy=True, metrics=metrics, now=0.0)


def test_a_status_page_shows_nothing_but_what_is_known() -> None:
    status = parse_status(
        (200, '{"ready": true, "reasons": []}'),
        is_healthy=True,
        metrics='ringfence_build_info{version="1"} 1.0\n'
        'ringfence_relay_connections{peer="<b>alice</b>"} 3.0\n'
        'ringfence_calls{peer="alice"} 1.0\n',
        now=0.0,
    )
    page = format_html(status)

    assert ("alice" in page, "clients connected: 3" in page) == (False, True)
