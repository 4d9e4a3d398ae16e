"""The paths of one call: the one in use, one that is tried, and those that close.

A call can move: a second path is gathered and connected while the first goes on, then
sending moves to it, and the first closes a little later. A newer try discards an older
one at once, for the older one's addresses are those of a network that is gone.
"""

import asyncio
from collections.abc import Callable

from voip.description import Description
from voip.errors import UnexpectedEventError, UnreachableError
from voip.media.connect.config import IceConfig
from voip.media.connect.path import Path
from voip.media.connect.sockets import Trace
from voip.media.events import CandidateFound, MediaEvent, PathUp
from voip.media.liveness import WEAKER_AFTER_S

LINGER_S = 5.0  # packets on their way still come by the old path


class Ways:
    """The paths of one call.

    Attributes:
        current: the one that packets leave by.
    """

    def __init__(  # noqa: PLR0913 -- what to find, and who is told of what
        self,
        config: IceConfig,
        *,
        controlling: bool,
        trace: Trace | None,
        emit: Callable[[MediaEvent], None],
        changed: Callable[[], None],
        trickle: bool = True,
        first: Path | None = None,
    ) -> None:
        """Prepare the first path; with `trickle`, addresses may be found later.

        `changed` hears whenever packets go another way from now on. `first` is a path
        made for the same wishes, with an `on_candidate`, which is gathered already.

        Raises:
            MissingError: relay-only without a TURN server.
        """
        self._config = config
        self._controlling = controlling
        self._trace = trace
        self._emit = emit
        self._changed = changed
        self._trickle = trickle
        self._next: Path | None = None
        self._closing: dict[Path, asyncio.TimerHandle] = {}
        self._closers: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._is_broken = False
        self._problems: tuple[str, ...] = ()
        self.current = self._path(first)

    def check_open(self) -> None:
        """Check that the call's media goes on.

        Raises:
            UnreachableError: it was closed.
        """
        if self._is_closed:
            raise UnreachableError("the media of this call was closed meanwhile")

    async def gather(self) -> Description:
        """Find our addresses for the first path.

        Raises:
            UnreachableError: this machine has no address to offer.
        """
        return await self.current.gather()

    async def connect(self, remote: Description, *, complete: bool) -> None:
        """Find the first way to the other side.

        Raises:
            UnreachableError: none works, or the call was closed meanwhile.
            MalformedError: a candidate that this version does not take.
        """
        await self.current.connect(remote, complete=complete)
        self.check_open()
        self._up()

    async def add(self, candidates: tuple[str, ...], *, last: bool) -> None:
        """Take candidates of the newest path; none follow the `last`.

        Raises:
            MalformedError: a candidate that this version does not take.
        """
        await (self._next or self.current).add(candidates, last=last)

    async def restart(self) -> Description:
        """Gather for another path; discards an unfinished one.

        Raises:
            UnreachableError: this machine has no address now, a newer `restart` came,
                or the call was closed.
        """
        self.check_open()  # or its sockets would be nobody's to close
        unfinished, self._next = self._next, None
        path = self._next = self._path()
        if unfinished is not None:
            self._close(unfinished)
        description = await path.gather()
        if self._is_closed:
            await path.close()
        self.check_open()
        if path is not self._next:
            raise UnreachableError("a newer search for a path came between")
        return description

    async def reconnect(
        self, remote: Description, move: Callable[[Path], None]
    ) -> None:
        """Connect the path of `restart`, then `move` to it; the old one closes later.

        Raises:
            UnexpectedEventError: `restart` was not called.
            UnreachableError: there is no way, or a newer `restart` came between.
            MalformedError: a candidate that this version does not take.
        """
        path = self._next
        if path is None:
            raise UnexpectedEventError("reconnect without restart")
        await path.connect(remote, complete=False)
        if path is not self._next:
            raise UnreachableError("a newer search for a path came between")
        self._next = None
        old, self.current = self.current, path
        move(path)
        self._up()
        loop = asyncio.get_running_loop()
        self._closing[old] = loop.call_later(LINGER_S, self._close, old)

    def weak(self, silent_s: float) -> None:
        """Find out about a path on which nothing came for a while."""
        if silent_s < WEAKER_AFTER_S:
            self.current.check()
        else:
            self.current.recheck_all()

    def is_newly_broken(self) -> bool:
        """Tell, once each time, that this machine cannot send on the path any more."""
        was, self._is_broken = self._is_broken, self.current.has_failed
        return self._is_broken and not was

    def new_problems(self) -> tuple[str, ...]:
        """Say what went wrong with servers on the present path, each once."""
        told, self._problems = self._problems, self.current.problems
        return tuple(each for each in self._problems if each not in told)

    async def close(self) -> None:
        """Close every path."""
        self._is_closed = True
        for timer in self._closing.values():
            timer.cancel()
        for path in (self._next, self.current, *self._closing):
            if path is not None:
                self._close(path)
        await asyncio.gather(*self._closers)

    def _path(self, made: Path | None = None) -> Path:
        def found(candidate: str) -> None:
            if path is (self._next or self.current):
                self._emit(CandidateFound(candidate))

        def changed() -> None:
            if path is self.current:
                self._up()

        if made is not None:
            path = made
            path.hear(on_candidate=found, on_change=changed)
        else:
            path = Path(
                self._config,
                controlling=self._controlling,
                trace=self._trace,
                on_candidate=found if self._trickle else None,
                on_change=changed,
            )
        return path

    def _up(self) -> None:
        self._changed()
        self._emit(PathUp(self.current.kind))

    def _close(self, path: Path) -> None:
        self._closing.pop(path, None)
        closer = asyncio.get_running_loop().create_task(path.close())
        self._closers.add(closer)
        closer.add_done_callback(self._closers.discard)
