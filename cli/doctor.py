"""`ringfence doctor`: see what this machine can do, and what a call would show."""

import asyncio
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import click

from cli import demo_media, paths
from cli.checks import Finding, Level, examine
from cli.codes import Code
from cli.home import Home
from cli.output import alarm, escape, is_for_programs, json_option, note, show
from cli.servers import read_lender, read_servers, server_options
from cli.trials import try_camera, try_network, try_sound
from voip.exposure import Exposure, judge
from voip.identity.vault import Candidates
from voip.leak import rehearse
from voip.media.connect.config import IceConfig, IceServer
from voip.media.ends.files import FileAudio

_SPEECH = Path(demo_media.__file__).with_name("alice.ogg")


@click.command(epilog="Example: ringfence doctor --sound --camera")
@click.option(
    "--sound", is_flag=True, help="Try microphone and speaker; switches them on."
)
@click.option("--camera", is_flag=True, help="Take one picture.")
@click.option(
    "--network", is_flag=True, help="Ask the --ice-server what calls would meet."
)
@click.option(
    "--leak", is_flag=True, help="Rehearse a call here, and see what leaves; 15 s."
)
@server_options
@click.option("--self-test", is_flag=True, hidden=True)
@json_option
@click.pass_obj
def doctor(  # noqa: PLR0913 - its options
    home: Home,
    *,
    sound: bool,
    camera: bool,
    network: bool,
    leak: bool,
    ice_servers: tuple[str, ...],
    turn: str,
    turn_login: Path | None,
    turn_ca: Path | None,
    turn_pin: str | None,
    self_test: bool,
) -> int:
    """See what this machine can do, and what a call would show.

    Without an option it looks at everything and switches nothing on. Ends with 0, or
    with the exit code of the first thing that failed; with --leak, with 1 if the call
    showed more than it may.
    """
    if self_test:
        return _self_test()
    if leak:
        return _leak()
    if (ice_servers or turn != "none") and not network:
        raise click.UsageError("--ice-server and --turn are for --network")
    trials = []
    if sound:
        trials.append(try_sound(home.folder, _ask))
    if camera:
        trials.append(try_camera())
    if network:
        servers = read_servers(
            ice_servers, turn_login=turn_login, turn_ca=turn_ca, turn_pin=turn_pin
        )
        trials.append(try_network(_path_config(home, servers, turn)))
    failed = []
    for finding in chain.from_iterable(trials or [examine(home)]):
        _show(finding)
        if finding.level is Level.FAIL:
            failed.append(finding.code)
    return failed[0] if failed else Code.DONE


def _path_config(home: Home, servers: tuple[IceServer, ...], turn: str) -> IceConfig:
    """Hide addresses from servers where calls hide them from people.

    Raises:
        what `Home.open` raises: who has a store is not guessed about.
        MissingError: what `read_lender` raises.
    """
    if turn == "none" and not paths.store(home.folder).exists():
        return IceConfig(servers=servers)
    vault = home.open().read()
    return IceConfig(
        servers=servers,
        relay_only=vault.settings.candidates is Candidates.RELAY_ONLY,
        lender=read_lender(turn, vault),
    )


def _ask(sentence: str) -> None:
    """Tell a person what to do; a program's user has read it elsewhere."""
    if not is_for_programs():
        note(sentence)


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
