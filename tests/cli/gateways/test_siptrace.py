"""A trace of SIP is for its owner, says what it is, and ends."""

import resource
import stat
from pathlib import Path

import pytest

from cli.gateways.siptrace import sip_trace_to
from voip.errors import MissingError, RefusedError

AT = 1795365181.25
MESSAGE = "TX UDP 192.0.2.7:5060 -> 192.0.2.1:5060\r\nACK sip:2@pbx.example SIP/2.0"
WRITTEN = (
    "2026-11-22T16:33:01.250Z TX UDP 192.0.2.7:5060 -> 192.0.2.1:5060\n"
    "  ACK sip:2@pbx.example SIP/2.0\n"
)


def test_each_message_is_written_when_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    with sip_trace_to(path, lambda: AT) as trace:
        assert trace is not None
        trace(MESSAGE)

        assert path.read_text() == WRITTEN


def test_a_trace_is_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    with sip_trace_to(path):
        pass

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_is_said_what_a_trace_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sip_trace_to(tmp_path / "trace"):
        pass

    assert "will hold the addresses and numbers" in capsys.readouterr().err


def test_a_trace_that_is_full_says_so_once(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    with sip_trace_to(path, lambda: AT, most=len(WRITTEN) + 1) as trace:
        assert trace is not None
        for _ in range(3):
            trace(MESSAGE)

    assert path.read_text() == f"{WRITTEN}the trace is full\n"


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_text("mine")

    with pytest.raises(RefusedError, match="exists already"), sip_trace_to(path):
        pass


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(MissingError, match="cannot create trace"),
        sip_trace_to(tmp_path / "no" / "trace"),
    ):
        pass


def test_a_full_disk_ends_the_trace_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trace"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with sip_trace_to(path) as trace:
        assert trace is not None
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            trace(MESSAGE)
            trace(MESSAGE)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert capsys.readouterr().err.count("File too large") == 1
