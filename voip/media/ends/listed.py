"""Sound devices as a system lists them, and how one of them is meant.

Rules. Names repeat and places in the list change with every plug, so what is kept of a
device is all three: the sound system, its own id for the device, and the name.
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from enum import Enum

from voip.errors import MissingError

MAX_ID_BYTES = 256
"""The longest id of a device that miniaudio knows, a name of PulseAudio."""


class Way(Enum):
    """Which way sound goes through a device."""

    IN = "microphone"
    OUT = "speaker"


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """One device, to be opened or found again.

    Attributes:
        name: for people, and theirs: escape it before it is shown.
        backend: the sound system that lists it.
        id: what that system calls it, at most `MAX_ID_BYTES` long.
    """

    name: str
    backend: str
    _: KW_ONLY
    id: bytes = field(repr=False)


def label(index: int, device: SoundDevice) -> str:
    """Give the line that stands for a device in a list: ``INDEX NAME (backend)``."""
    return f"{index} {device.name} ({device.backend})"


def select(
    devices: Sequence[SoundDevice], which: int | str | None, way: Way
) -> SoundDevice | None:
    """Find the device meant by its place in the list, or by a part of its name.

    None stands for the system's default, in both places: the system may change what
    that is during the call.

    Raises:
        MissingError: nothing is listed, or not that, or the name fits several.
    """
    if not devices:
        raise MissingError(f"no {way.value}: the system lists none")
    if which is None:
        return None
    if isinstance(which, str):
        return _named(devices, which, way)
    if which >= len(devices):
        raise MissingError(
            f"no {way.value} {which}: the system lists {len(devices)}, from 0"
        )
    return devices[which]


def find_again(
    known: SoundDevice, devices: Sequence[SoundDevice]
) -> SoundDevice | None:
    """Find a device that was chosen earlier; None while it is not there.

    By the system's id; else by the name, where only one has it: another socket can
    give the same headset another id.
    """
    alike = [one for one in devices if one.name == known.name]
    for fits in (
        [one for one in devices if (one.backend, one.id) == (known.backend, known.id)],
        [one for one in alike if one.backend == known.backend],
        alike,
    ):
        if len(fits) == 1:
            return fits[0]
    return None


def _named(devices: Sequence[SoundDevice], part: str, way: Way) -> SoundDevice:
    wanted = part.casefold()
    found = [one for one in devices if wanted in one.name.casefold()]
    exact = [one for one in found if one.name.casefold() == wanted]
    if len(exact) == 1:  # one name may be part of another
        return exact[0]
    if len(found) == 1:
        return found[0]
    if not found:
        raise MissingError(f"no {way.value} has {part!r} in its name")
    names = ", ".join(repr(one.name) for one in found)
    raise MissingError(f"{part!r} fits {len(found)} {way.value}s: {names}")
