"""The gates that a release must pass, each a small pure check.

A gate takes the `Evidence` and gives a `Proof`, or raises `NoError` with the refusal.
Their order is that of what a user is told first; all of them always run.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from updater.findings import Proof
from updater.gates import artifact, claims, local, log, metadata, public
from updater.gates.evidence import Evidence

Gate = Callable[[Evidence], Proof]

GATES: Final[Mapping[str, Gate]] = MappingProxyType(
    {
        "clock": local.clock,
        "freeze": local.freeze,
        "tuf": metadata.tuf,
        "policy": metadata.policy,
        "select": local.select,
        "wave": local.wave,
        "fetch": artifact.fetch,
        "hash": artifact.artifact_hash,
        "claim": claims.claim,
        "signature": claims.signature,
        "inclusion": log.inclusion,
        "consistency": log.consistency,
        "witness": log.witness,
        "fresh": log.fresh,
        "yank": public.yank,
        "cooldown": public.cooldown,
        "rebuild": public.rebuild,
        "manifest": artifact.manifest,
    }
)
