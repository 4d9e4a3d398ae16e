"""Who is recorded knows of it before."""

import asyncio

import pytest

from tests.voip.peers import Wire, at, heard, media_of, people, talk
from tests.voip.simulated import simulated
from voip.errors import MissingError, UnexpectedEventError
from voip.media.sources import Track
from voip.news import PeerChanged


class Forgetful:
    """A recorder that keeps nothing."""

    def sound(self, frame: bytes, at_s: float, *, ours: bool) -> None:
        pass

    def picture(self, frame: bytes, at_s: float, *, track: Track) -> None:
        pass

    def close(self) -> None:
        pass


@simulated
async def test_who_is_recorded_is_told_before_and_keeps_it_in_the_log() -> None:
    async with at(Wire(), *people()) as homes:
        theirs, ours = await talk(*homes)
        recording = asyncio.create_task(theirs.record(Forgetful))
        await asyncio.sleep(1)
        ours.set_held(on=False)  # what it says carries the acknowledgement
        await recording
        told = [each for each in heard(ours) if isinstance(each, PeerChanged)]
        logs = [home.keeper.vault.calls.calls[-1] for home in homes]

        assert told[-1].recording
        assert [each.recorded for each in logs] == [True, False]
        assert [each.recorded_there for each in logs] == [False, True]


@simulated
async def test_who_is_not_told_is_not_recorded() -> None:
    wire = Wire()
    async with at(wire, *people()) as homes:
        theirs, ours = await talk(*homes)
        media_of(ours)._peer = None  # nothing of theirs is acknowledged
        with pytest.raises(MissingError, match="did not hear of the recording"):
            await theirs.record(Forgetful)

        assert not homes[0].keeper.vault.calls.calls[-1].recorded


@simulated
async def test_who_takes_no_more_messages_is_not_recorded() -> None:
    async with at(Wire(), *people()) as homes:
        theirs, ours = await talk(*homes)
        line = theirs._session.line
        assert line is not None
        media_of(ours)._peer = None
        for _ in range(70):
            line.show()
        with pytest.raises(MissingError, match="did not hear of the recording"):
            await theirs.record(Forgetful)


@simulated
async def test_a_call_that_is_not_connected_is_not_recorded() -> None:
    async with at(Wire(), *people()) as homes:
        theirs = await homes[0].endpoint.dial("bob")
        with pytest.raises(MissingError, match="not connected"):
            await theirs.record(Forgetful)


@simulated
async def test_a_call_is_recorded_once_at_a_time() -> None:
    async with at(Wire(), *people()) as homes:
        theirs, ours = await talk(*homes)
        ours.set_held(on=True)
        await theirs.record(Forgetful)
        with pytest.raises(UnexpectedEventError, match="recorded already"):
            await theirs.record(Forgetful)
        theirs.stop_recording()
        ours.set_held(on=False)
        await theirs.record(Forgetful)
        told = [each for each in heard(ours) if isinstance(each, PeerChanged)]

        assert [each.recording for each in told][-3:] == [True, False, True]
