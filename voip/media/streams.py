"""The media of one call, from gathering addresses to the last packet.

::

    gather ─> Description to the peer ─> connect(the peer's) ─> event() ... close
    RESTART: restart ─> Description ─> reconnect(the peer's)      same keys, new path

`MediaSession` only joins parts and decides nothing: what a packet means is settled by
`epochs`, `record` and `liveness`, what follows from it by the call machine, which
hears of it through `event`. The microphone and the camera are not read before a
packet of the peer verified *and* the call said so.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from voip.description import Description, Kind, Stream
from voip.errors import MissingError, UnexpectedEventError, UnreachableError
from voip.media.audio.track import IncomingAudio, OutgoingAudio
from voip.media.channel import DataChannel
from voip.media.connect.config import IceConfig
from voip.media.connect.path import Path, addresses_changed
from voip.media.connect.sockets import Trace
from voip.media.epochs import CALLER
from voip.media.events import AddressesChanged, MediaEvent, MediaFailed, PathUp
from voip.media.plan import MediaPlan
from voip.media.profile import audio_stream, check_streams, video_stream
from voip.media.quality.figures import MediaStats
from voip.media.record import ControlQueue
from voip.media.senders import start_receiver, start_sender
from voip.media.sources import DrivenSink
from voip.media.transport import IkSrtpTransport
from voip.media.video.track import IncomingVideo, OutgoingVideo

if TYPE_CHECKING:
    from aiortc import RTCRtpReceiver, RTCRtpSender

TICK_S = 0.25  # fine enough for 3 s of silence
CONTROL_EVERY_S = 1.0  # one record a second, whatever happens
LINGER_S = 5.0  # packets on their way still come by the old path
MAX_EVENTS = 1024  # a session that leaves more unread is gone; later ones are lost


class MediaSession:
    """Sound, pictures and records of one call."""

    def __init__(  # noqa: PLR0913 -- a call has these, and they belong to nobody else
        self,
        role: int,
        call_secret: bytes,
        plan: MediaPlan,
        ice: IceConfig,
        *,
        entropy: Callable[[int], bytes],
        idle_control: Callable[[], bytes | None],
        on_datagram: Trace | None = None,
    ) -> None:
        """Take what the call agreed on.

        `idle_control` gives the control message for a second in which nothing waits.
        `on_datagram` sees every datagram of a gathered path as it is sent.

        Raises:
            MissingError: relay-only without a TURN server.
        """
        self._role = role
        self._plan = plan
        self._ice = ice
        self._entropy = entropy
        self._idle_control = idle_control
        self._trace = on_datagram
        self._events: asyncio.Queue[MediaEvent] = asyncio.Queue(MAX_EVENTS)
        self._controls = ControlQueue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._wants_video = False  # a camera at hand is not a wish to be seen
        self._may_open = False
        self._is_closed = False
        self._path = self._new_path()
        self._next_path: Path | None = None
        self._old_paths: set[Path] = set()
        self._transport = IkSrtpTransport(
            self._path.transport,
            role,
            secret=call_secret,
            emit=self._emit,
            clock=asyncio.get_running_loop().time,
        )
        self._audio_out = OutgoingAudio(plan.audio_source)
        self._audio_in: IncomingAudio | None = None
        self._video_out: OutgoingVideo | None = None
        self._senders: list[RTCRtpSender] = []
        self._receivers: list[RTCRtpReceiver] = []
        self._channel: DataChannel | None = None
        self._streams = self._describe_streams()

    async def gather(self) -> Description:
        """Find our addresses and describe what we may send.

        Raises:
            UnreachableError: this machine has no address to offer.
        """
        return replace(await self._path.gather(), streams=self._streams)

    async def connect(self, remote: Description, *, complete: bool = True) -> None:
        """Find a way to the peer, then send and receive until `close`.

        The caller controls ICE. With `complete`, no `add_candidates` follows.

        Raises:
            RefusedError: streams or candidates that this version does not take.
            UnreachableError: none of the ways works.
        """
        check_streams(remote)
        await self._path.connect(remote, complete=complete)
        self._check_open()
        self._emit(PathUp(self._path.kind))
        await self._receive(remote.streams)
        await self._transport.start()
        await self._send()
        if self._plan.data:
            self._channel = DataChannel(self._transport, self._emit)
            await self._channel.start()
        self._spawn(self._keep_time())
        self._spawn(self._send_controls())
        self._spawn(self._watch_addresses())

    async def add_candidates(self, candidates: tuple[str, ...], *, last: bool) -> None:
        """Take candidates that came after the description; none follow the `last`.

        Raises:
            MalformedError: a candidate that this version does not take.
        """
        await self._path.add(candidates, last=last)

    async def restart(self) -> Description:
        """Gather for a second path under the same keys; discards an unfinished one.

        Raises:
            UnreachableError: this machine has no address to offer now.
        """
        if self._next_path is not None:
            await self._next_path.close()
        self._check_open()  # or its sockets would be nobody's to close
        path = self._next_path = self._new_path()
        description = await path.gather()
        if self._is_closed:
            await path.close()
        self._check_open()
        return description

    async def reconnect(self, remote: Description) -> None:
        """Connect the second path and move to it; the first one closes 5 s later.

        Raises:
            UnexpectedEventError: `restart` was not called.
            UnreachableError: there is no way, or another `restart` came between.
            RefusedError: candidates that this version does not take.
        """
        path = self._next_path
        if path is None:
            raise UnexpectedEventError("reconnect without restart")
        await path.connect(remote)
        self._next_path = None
        old, self._path = self._path, path
        self._transport.move(path.transport)
        self._emit(PathUp(path.kind))
        self._old_paths.add(old)
        self._spawn(self._close_later(old))

    async def event(self) -> MediaEvent:
        """Wait for the next thing that happened."""
        return await self._events.get()

    def open_sources(self) -> None:
        """Read the microphone, and the camera if `set_video` said so, from here on.

        Raises:
            UnexpectedEventError: no packet verified yet, so nobody proved to be there.
        """
        if not self._transport.liveness.has_heard:
            raise UnexpectedEventError("sources opened before a packet verified")
        self._may_open = self._audio_out.is_open = True
        self.set_video(self._wants_video)

    def close_sources(self) -> None:
        """Read neither microphone nor camera until `open_sources`; packets go on."""
        self._may_open = self._audio_out.is_open = False
        self.set_video(self._wants_video)

    def set_muted(self, on: bool) -> None:  # noqa: FBT001 -- one switch, one value
        """Send silence instead of the microphone."""
        self._audio_out.is_muted = on

    def set_held(self, on: bool) -> None:  # noqa: FBT001 -- one switch, one value
        """Neither send the user's sound nor play the peer's; packets go on."""
        self._audio_out.is_held = on
        if self._audio_in is not None:
            self._audio_in.is_held = on

    def set_video(self, on: bool) -> None:  # noqa: FBT001 -- one switch, one value
        """Send pictures, once the sources are open, or none at all; at first none."""
        self._wants_video = on
        if self._video_out is not None:
            self._video_out.set_on(on and self._may_open)

    def rekey_ready(self) -> bool:
        """Tell whether a rekey may start: one epoch is live, in both directions."""
        return self._transport.epochs.is_ready

    def install_epoch(self, epoch: int, secret: bytes, *, initiator: bool) -> None:
        """Take the secret of a new epoch.

        Raises:
            UnexpectedEventError: not the next epoch, or two are live already.
            KeyReuseError: its keys were made before.
        """
        self._transport.install(epoch, secret, initiator=initiator)

    def send_control(self, ctl: bytes) -> None:
        """Send a control message with the records, one a second.

        Raises:
            LimitError: longer than 5064 bytes.
        """
        self._controls.put(ctl)

    async def send_control_now(self, ctl: bytes) -> None:
        """Send a control message in records of its own; has left when this returns.

        Raises:
            LimitError: longer than 5064 bytes.
        """
        for plaintext in self._controls.cut(ctl):
            await self._transport.send_control(plaintext)

    def send_text(self, text: str) -> None:
        """Send a text.

        Raises:
            MissingError: the call has no data channel, or it is not open yet.
            LimitError: too long, or too much waits already.
        """
        self._data().send_text(text)

    def send_file(self, name: str, data: bytes) -> None:
        """Send a file of at most 1 MiB.

        Raises:
            MissingError: the call has no data channel, or it is not open yet.
            LimitError: too long, or too much waits already.
        """
        self._data().send_file(name, data)

    def stats(self) -> MediaStats:
        """Count what went and came so far."""
        epochs = self._transport.epochs
        up = self._transport.state == "connected"
        return MediaStats(
            sent=self._transport.sent,
            received=self._transport.received,
            dropped=self._transport.dropped,
            send_epoch=epochs.sending,
            receive_epochs=epochs.receiving,
            path=self._path.kind if up else None,
        )

    async def close(self) -> None:
        """Stop everything and let go of what the plan holds, whatever happens."""
        try:
            await self._stop()
        finally:
            self._plan.close()  # no microphone stays on

    async def _stop(self) -> None:
        self._is_closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for sender in self._senders:
            await sender.stop()
        if self._channel is not None:
            await self._channel.stop()
        for receiver in self._receivers:
            await receiver.stop()
        await self._transport.stop()
        if self._next_path is not None:
            self._old_paths.add(self._next_path)
        for path in (self._path, *self._old_paths):
            await path.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise UnreachableError("the media of this call was closed meanwhile")

    # Parts of connecting.

    def _new_path(self) -> Path:
        return Path(self._ice, controlling=self._role == CALLER, trace=self._trace)

    def _describe_streams(self) -> tuple[Stream, ...]:
        ssrcs: list[int] = []
        while len(ssrcs) < 3:
            ssrc = int.from_bytes(self._entropy(4), "big")
            if ssrc != 0 and ssrc not in ssrcs:
                ssrcs.append(ssrc)
        audio, video, rtx = ssrcs
        if self._plan.video_source is None:
            return (audio_stream(audio),)
        return (audio_stream(audio), video_stream(video, rtx))

    async def _receive(self, streams: tuple[Stream, ...]) -> None:
        for stream in streams:
            if stream.kind is Kind.VIDEO and self._plan.video_sink is None:
                continue
            receiver = await start_receiver(
                self._transport, stream, own_ssrc=self._streams[0].ssrc
            )
            self._receivers.append(receiver)
            if stream.kind is Kind.AUDIO:
                sink = self._plan.audio_sink
                assert not isinstance(sink, DrivenSink)
                self._audio_in = IncomingAudio(receiver, sink)
                self._spawn(self._audio_in.run())
            elif self._plan.video_sink is not None:
                self._spawn(IncomingVideo(receiver, self._plan.video_sink).run())

    async def _send(self) -> None:
        tracks: list[OutgoingAudio | OutgoingVideo] = [self._audio_out]
        if self._plan.video_source is not None:
            self._video_out = OutgoingVideo(self._plan.video_source)
            tracks.append(self._video_out)
        for track, stream in zip(tracks, self._streams, strict=True):
            self._senders.append(await start_sender(self._transport, track, stream))

    # What goes on during the call.

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._transport.tick()

    async def _send_controls(self) -> None:
        while True:
            if self._controls.is_empty and (idle := self._idle_control()) is not None:
                self._controls.put(idle)
            plaintext = self._controls.take()
            if plaintext is not None:
                await self._transport.send_control(plaintext)
            await asyncio.sleep(CONTROL_EVERY_S)

    async def _watch_addresses(self) -> None:
        while True:
            await addresses_changed()
            self._emit(AddressesChanged())

    async def _close_later(self, path: Path) -> None:
        await asyncio.sleep(LINGER_S)
        self._old_paths.discard(path)
        await path.close()

    def _data(self) -> DataChannel:
        if self._channel is None:
            raise MissingError("this call has no data channel")
        return self._channel

    def _emit(self, event: MediaEvent) -> None:
        if not self._events.full():
            self._events.put_nowait(event)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._emit(MediaFailed(repr(error)))
