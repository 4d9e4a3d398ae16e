"""Policies and checkpoints for tests of what witnesses can and cannot do."""

from collections.abc import Mapping

from tests.updater.transparency.logs import LOG, signed, witness
from updater.transparency.checkpoint import OpenedCheckpoint, open_checkpoint
from updater.transparency.key import SigningKey

NOW = 1_700_000_000


def keys(*numbers: int) -> dict[str, SigningKey]:
    """Give witnesses by name, each of an operator of its own."""
    return {f"w{number}": witness(number) for number in numbers}


def policy_text(
    *lines: str, witnesses: Mapping[str, SigningKey] | None = None
) -> bytes:
    """Write a policy of the log, four witnesses (or these), and these lines."""
    rows = [f"log {LOG.verifier}"]
    for name, key in (keys(1, 2, 3, 4) if witnesses is None else witnesses).items():
        rows.append(f"witness {name} {key.verifier}")
    return "".join(f"{row}\n" for row in (*rows, *lines)).encode()


def cosigned(*times: tuple[int, int], size: int = 3) -> OpenedCheckpoint:
    """Open a checkpoint that witnesses, by number, signed at seconds around `NOW`."""
    note = signed(*((witness(number), NOW + at) for number, at in times), size=size)
    wanted = [witness(number).verifier for number in range(1, 10)]
    return open_checkpoint(note, [LOG.verifier], wanted)
