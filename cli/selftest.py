"""What a version does to show that it works, before and after it is made current.

Imports every module of the program, makes one handshake, and has nothing decided about
no release. It asks nobody, and reads and writes nothing of the user.
"""

import importlib
import os
import pkgutil
import time

import cli
from updater.decision import INTERNAL, decide
from updater.errors import UnhealthyError
from updater.findings import Failed, Severity
from updater.gates.evidence import Evidence, Here, Tightening, Wish
from updater.installed.slots import Times
from updater.offer.product import RINGFENCE
from voip.handshake import kem
from voip.handshake.exchange import (
    consume_invite,
    consume_ringing,
    create_invite,
    create_ringing,
)
from voip.handshake.payload import Answer, Media, Offer, Readiness
from voip.identity.callkey import CallKey, create_call_key
from voip.identity.signer import NativeSigner

_ENTRY = "__main__"  # would run the program


def check() -> None:
    """Test this copy of the program.

    Raises:
        UnhealthyError: it decides wrongly. Whatever else is raised is a bug as well.
    """
    for module in pkgutil.iter_modules(cli.__path__, "cli."):
        if not module.name.endswith(_ENTRY):
            importlib.import_module(module.name)
    _shake_hands()
    _decide_on_nothing()


def _shake_hands() -> None:
    """Make a handshake with ourselves, up to the ringing."""
    now = int(time.time())
    caller, callee = _device(now), _device(now)
    offer = Offer(
        call_id=os.urandom(16),
        ts_ms=now * 1000,
        ttl_s=60,
        media=Media.AUDIO,
        tag=bytes(16),
    )
    invited = create_invite(
        caller,
        callee.bundle,
        offer,
        secrets=(),
        entropy=os.urandom,
        encapsulate=kem.encapsulate,
    )
    ringing = create_ringing(
        consume_invite(invited.blob, (callee,), now_ms=now * 1000),
        Answer(readiness=Readiness.WILL_RING, caps=1, ring_s=45, tag=bytes(16)),
        secret=None,
        entropy=os.urandom,
        encapsulate=kem.encapsulate,
    )
    consume_ringing(invited, ringing.blob, secrets=())


def _device(now: int) -> CallKey:
    signer = NativeSigner(os.urandom(32))
    return create_call_key(signer, os.urandom(16), now=now, caps=1, entropy=os.urandom)


def _decide_on_nothing() -> None:
    """Expect a no from every gate that asks for something, and a bug in none."""
    none = Failed(Severity.UNREACHABLE, "nothing was gathered")
    verdict = decide(
        Evidence(
            now=time.time(),
            wish=Wish(),
            tightening=Tightening(),
            here=Here(
                product=RINGFENCE,
                channel="stable",
                platform="",
                seed=bytes(32),
                current=None,
                floor=None,
                times=Times(),
            ),
            metadata=none,
            channel=none,
            target=none,
            artifact=none,
            claim=none,
            sigstore=none,
            proof=none,
            link=none,
            log=none,
            rebuilds=none,
            manifest=none,
        )
    )
    broken = [gate for gate, each in verdict.refusals if each.code == INTERNAL]
    if verdict.release is not None or broken:
        raise UnhealthyError(f"expected a plain no about nothing, broken: {broken}")
