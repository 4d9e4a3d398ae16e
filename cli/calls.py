"""`ringfence calls`: the call log."""

from dataclasses import replace

import click

from cli.codes import Code
from cli.home import Home
from cli.output import json_option, minute, show
from voip.identity.calllog import CallRecord, Direction
from voip.identity.keys import format_identity
from voip.identity.vault import Vault
from voip.marks import NAMES
from voip.signalling.legs import Mark


@click.command(epilog="Example: ringfence calls --unseen")
@click.option("--unseen", is_flag=True, help="Only those you have not seen; exit 2.")
@json_option
@click.pass_obj
def calls(home: Home, *, unseen: bool) -> int:
    """List past and missed calls."""
    store = home.open()
    vault = store.read()
    wanted = vault.calls.unseen if unseen else vault.calls.calls
    for call in wanted:
        show(_facts(vault, call), _line(vault, call))
    store.change(lambda vault: replace(vault, calls=vault.calls.all_seen()))
    return Code.NO_ANSWER if unseen and wanted else Code.DONE


def _name(vault: Vault, call: CallRecord) -> str:
    known = vault.contacts.by_identity(call.identity)
    return known.alias if known else f"stranger {format_identity(call.identity)}"


def _line(vault: Vault, call: CallRecord) -> str:
    way = "to" if call.direction is Direction.OUTGOING else "from"
    length = ""
    if call.answered is not None and call.ended is not None:
        minutes, seconds = divmod(call.ended - call.answered, 60)
        length = f", {minutes}:{seconds:02}"
    weak = "" if call.mark == Mark.END_TO_END else f", {NAMES[Mark(call.mark)]}"
    said = f"{call.outcome}{length}{weak}{_recorded(call)}"
    return f"{minute(call.started)}  {way} {_name(vault, call)}: {said}"


def _recorded(call: CallRecord) -> str:
    who = {"you": call.recorded, "them": call.recorded_there}
    named = " and ".join(name for name, did in who.items() if did)
    return f", recorded by {named}" if named else ""


def _facts(vault: Vault, call: CallRecord) -> dict[str, object]:
    known = vault.contacts.by_identity(call.identity)
    return {
        "call": call.call_id.hex(),
        "alias": known.alias if known else None,
        "identity": format_identity(call.identity),
        "direction": call.direction,
        "started": call.started,
        "answered": call.answered,
        "ended": call.ended,
        "outcome": call.outcome,
        "seen": call.seen,
        "recorded": call.recorded,
        "recorded_there": call.recorded_there,
        "mark": NAMES[Mark(call.mark)],
        "code": call.mark,
    }
