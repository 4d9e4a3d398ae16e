"""Choosing devices in the middle of a call."""

from collections.abc import Callable, Iterator

import pytest

from cli.console import Front
from cli.display import Display
from cli.orders import Order, UseDevice
from cli.quality import Live
from cli.switching import Switching
from cli.view import Seen
from tests.voip.media.ends.machine import Machine
from voip.errors import MissingError
from voip.media.ends.choice import parse_choice
from voip.media.ends.keeping import Change, DeviceChange
from voip.media.ends.listed import Way
from voip.media.ends.open import Ends, open_ends
from voip.media.ends.remember import SoundSettings, VoiceSettings
from voip.news import Json

_PLAIN = SoundSettings(
    voice=VoiceSettings(echo=False, noise=False, high_pass=False, gain=False)
)


class Told(Front):
    """A front that keeps what it is told."""

    def __init__(self) -> None:
        self.facts: list[Json] = []
        self.lines: list[str] = []

    def show(self, seen: Seen, facts: Json, *lines: str) -> None:  # noqa: ARG002 - the log of it is the view's
        self.facts.append(facts)
        self.lines += lines

    def refuse(self, seen: Seen, sentence: str) -> Seen:
        self.lines.append(sentence)
        return seen

    def draw(self, seen: Seen, now: float, live: Live | None) -> None:
        pass

    def take(self, raw: bytes, seen: Callable[[], Seen]) -> Iterator[Order]:
        raise NotImplementedError


def _switching(
    *names: str, audio_in: str = "mic"
) -> tuple[Switching, Told, Machine, Ends]:
    machine, told = Machine(*names), Told()
    ends = open_ends(parse_choice(audio_in, "null"), sound=machine, settings=_PLAIN)
    display = Display(bytes(16), told, seen=Seen(alias="bob"), live=lambda: None)
    return Switching(display, lambda: ends), told, machine, ends


async def test_the_devices_of_the_ends_that_are_devices_are_listed() -> None:
    switching, told, _, _ = _switching("built-in", "head\x1bset")
    await switching.tell()

    assert told.facts[0] | {"event": "devices"} == told.facts[0]
    assert told.facts[0]["microphone"] == ["0 built-in (test)", "1 head\x1bset (test)"]
    assert told.lines[1] == "microphone 1 head\\x1bset (test)"


async def test_another_device_is_used_from_now_on() -> None:
    switching, told, machine, ends = _switching("built-in", "headset")
    ends.audio_source.read()
    machine.wait()
    await switching.use(UseDevice(Way.IN, "head"))
    opened = machine.wait()
    ends.close()

    assert opened.device is not None
    assert opened.device.name == "headset"
    assert told.lines == ["microphone to be used: headset"]


async def test_the_default_is_a_device_too() -> None:
    switching, told, _, _ = _switching("built-in")
    await switching.use(UseDevice(Way.IN, None))

    assert told.lines == ["microphone to be used: the system's default"]
    assert told.facts[0]["name"] is None


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        (UseDevice(Way.OUT, 0), "the speaker of this call is no device"),
        (UseDevice(Way.IN, 7), "no microphone 7: the system lists 1, from 0"),
    ],
    ids=["no device", "no such device"],
)
async def test_what_is_no_device_is_not_used(order: UseDevice, sentence: str) -> None:
    switching, _, _, _ = _switching("built-in")

    with pytest.raises(MissingError, match=sentence):
        await switching.use(order)


async def test_files_are_no_devices() -> None:
    switching, _, _, _ = _switching("built-in", audio_in="tone")

    with pytest.raises(MissingError, match="neither sound end"):
        await switching.tell()


def test_what_becomes_of_a_device_is_said() -> None:
    switching, told, _, _ = _switching("built-in")
    switching.say(DeviceChange(Way.IN, Change.LOST, "head\x1bset"))

    assert told.lines == ["microphone head\\x1bset is gone"]
    assert (told.facts[0]["device"], told.facts[0]["change"]) == (
        "microphone",
        "is gone",
    )
