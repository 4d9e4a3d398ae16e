"""`ringfence doctor`: see what this machine can do, and what a call would show."""

import asyncio
from importlib.metadata import version
from pathlib import Path

import click

from cli import demo_media
from cli.checks import Finding, Level, examine
from cli.codes import Code
from cli.home import Home
from cli.output import alarm, escape, json_option, show
from voip.exposure import Exposure, judge
from voip.leak import rehearse
from voip.media.ends.files import FileAudio

_SPEECH = Path(demo_media.__file__).with_name("alice.ogg")


@click.command(epilog="Example: ringfence doctor --leak")
@click.option(
    "--leak", is_flag=True, help="Rehearse a call here, and see what leaves; 15 s."
)
@click.option("--self-test", is_flag=True, hidden=True)
@json_option
@click.pass_obj
def doctor(home: Home, *, leak: bool, self_test: bool) -> int:
    """See what this machine can do, and what a call would show.

    Ends with 0, or with the exit code of the first thing that failed; with --leak, with
    1 if the call showed more than it may.
    """
    if self_test:
        return _self_test()
    if leak:
        return _leak()
    findings = []
    for finding in examine(home):
        _show(finding)
        findings.append(finding)
    failed = [each.code for each in findings if each.level is Level.FAIL]
    return failed[0] if failed else Code.DONE


def _self_test() -> int:
    """Test this version, for the installer: it reads name and version."""
    from cli.selftest import check  # noqa: PLC0415 - the updater's libraries are extra

    check()
    click.echo(f"ringfence {version('ringfence')}")
    return Code.DONE


def _show(finding: Finding) -> None:
    facts = {
        "check": finding.what,
        "level": finding.level.value,
        "said": finding.said,
        "advice": finding.advice,
    }
    level = f"{finding.level.value:4}"
    if finding.level is Level.FAIL:
        level = alarm(level)
    lines = [f"{level}  {finding.what}: {escape(finding.said)}"]
    if finding.advice:
        lines.append(f"      {escape(finding.advice)}")
    show(facts, *lines)


def _leak() -> int:
    trail = asyncio.run(rehearse(lambda: FileAudio(_SPEECH, loop=True)))
    exposure = judge(trail)
    facts: dict[str, object] = {
        "before_accept": exposure.before_accept,
        "after_accept": exposure.after_accept,
        "names": exposure.names,
        "audio_sizes": exposure.audio_sizes,
        "audio_packets": exposure.audio_packets,
        "rtp_first_bytes": exposure.rtp_first_bytes,
        "payload_types": exposure.payload_types,
        "rtcp_sizes": exposure.rtcp_sizes,
        "record_sizes": exposure.record_sizes,
        "epochs": exposure.epochs,
        "complaints": exposure.complaints,
    }
    show(facts, *_lines(exposure))
    return Code.REFUSED if exposure.complaints else Code.DONE


def _lines(exposure: Exposure) -> list[str]:
    packets = ", ".join(
        f"{number} during {phase}" for phase, number in exposure.audio_packets.items()
    )
    first_bytes = ", ".join(f"{first:#04x}" for first in exposure.rtp_first_bytes)
    verdict = [alarm(f"leak: {complaint}") for complaint in exposure.complaints]
    return [
        f"before the accept, packets to: {_ends(exposure.before_accept)} (the relay)",
        f"after it also to: {_ends(exposure.after_accept)}",
        f"names looked up: {', '.join(exposure.names) or 'none'}",
        f"audio packets, bytes: {_numbers(exposure.audio_sizes)}; {packets}",
        f"rtp headers begin with: {first_bytes} (0x80 is no extension)",
        f"payload types: {_numbers(exposure.payload_types)}",
        f"rtcp, bytes: {_numbers(exposure.rtcp_sizes)}",
        f"records, bytes: {_numbers(exposure.record_sizes)}, one a second",
        f"key epochs: {_numbers(exposure.epochs)}",
        *(verdict or ["nothing shows what was said, or that nothing was"]),
    ]


def _ends(destinations: tuple[tuple[str, int], ...]) -> str:
    return ", ".join(f"{host}:{port}" for host, port in destinations) or "nobody"


def _numbers(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers)) or "none"
