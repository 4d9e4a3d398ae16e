"""Microphone and speaker of a call that goes on: which there are, and which is used."""

import asyncio
from collections.abc import Callable

from cli.display import Display
from cli.orders import UseDevice
from cli.output import escape
from voip.errors import MissingError
from voip.media.ends.devices import DeviceEnd
from voip.media.ends.keeping import DeviceChange
from voip.media.ends.listed import SoundDevice, Way, label, select
from voip.media.ends.open import Ends


class Switching:
    """The sound devices of one call."""

    def __init__(self, display: Display, ends: Callable[[], Ends | None]) -> None:
        self._display = display
        self._ends = ends

    async def tell(self) -> None:
        """List the devices of each end that is one.

        Raises:
            MissingError: neither end is a device.
        """
        ends = [end for way in Way if (end := self._end(way)) is not None]
        if not ends:
            raise MissingError("neither sound end of this call is a device")
        named = {end.way.value: await _labels(end) for end in ends}
        self._display.answer(
            {"event": "devices", **named},
            *(
                f"{way} {escape(each)}"
                for way, names in named.items()
                for each in names
            ),
        )

    async def use(self, order: UseDevice) -> None:
        """Hear or speak with another device, in this call.

        Raises:
            MissingError: there is no such device, or the end is none.
        """
        end = self._end(order.way)
        if end is None:
            raise MissingError(f"the {order.way.value} of this call is no device")
        chosen = select(await _listed(end), order.which, order.way)
        end.choose(chosen)
        name = chosen.name if chosen is not None else None
        said = escape(name) if name is not None else "the system's default"
        self._display.answer(
            {"event": "device-chosen", "device": order.way.value, "name": name},
            f"{order.way.value} to be used: {said}",
        )

    def say(self, change: DeviceChange) -> None:
        """Show what became of a device."""
        self._display.answer(
            {
                "event": "device",
                "device": change.way.value,
                "change": change.change.value,
                "name": change.name,
            },
            escape(str(change)),
        )

    def _end(self, way: Way) -> DeviceEnd | None:
        ends = self._ends()
        devices = ends.devices() if ends is not None else []
        return next((end for end in devices if end.way is way), None)


async def _labels(end: DeviceEnd) -> list[str]:
    return [label(*each) for each in enumerate(await _listed(end))]


async def _listed(end: DeviceEnd) -> list[SoundDevice]:
    # On a thread: a sound system that hangs must not hold up the call.
    return await asyncio.to_thread(end.listed)
