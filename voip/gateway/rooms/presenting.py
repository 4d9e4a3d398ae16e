"""Our screen in a room over a server: one stream for all, of which each is told.

Carrier. It goes to the server beside our picture; that it is a screen lies within the
seal of each packet, and each member is told in its own call, so that its screen goes
before the cameras of whoever speaks.
"""

import contextlib

from voip.errors import CallError, MissingError, UnexpectedEventError
from voip.gateway.rooms.companion import Companion
from voip.gateway.rooms.company import Company
from voip.gateway.rooms.forwarded import Forwarded
from voip.media.sources import VideoSource


class Presenting:
    """What we show of our screen."""

    def __init__(
        self, forwarded: Forwarded, company: Company, *, has_pictures: bool
    ) -> None:
        """Show nothing yet; `has_pictures`, the server is offered some."""
        self._forwarded = forwarded
        self._company = company
        self._has_pictures = has_pictures
        self._screen: VideoSource | None = None

    @property
    def is_on(self) -> bool:
        """Whether a screen is shown."""
        return self._screen is not None

    def share(self, source: VideoSource) -> None:
        """Show a screen to all, also to those who come; closed at the end.

        Raises:
            UnexpectedEventError: one is shown already; this one is closed.
            MissingError: the room was entered without pictures; likewise.
        """
        try:
            self._check()
            self._forwarded.set_screen(source)
        except CallError:
            source.close()
            raise
        self._screen = source
        self._company.each(lambda conversation: conversation.set_screen(on=True))

    def stop(self) -> None:
        """Show it no longer, if we did."""
        if self._screen is not None:
            self._forwarded.set_screen(None)
            self._screen.close()
            self._screen = None
            self._company.each(lambda conversation: conversation.set_screen(on=False))

    def came(self, companion: Companion) -> None:
        """Tell somebody who comes."""
        if self._screen is not None:
            with contextlib.suppress(MissingError):  # it ends at this moment
                companion.conversation.set_screen(on=True)

    def _check(self) -> None:
        if self._screen is not None:
            raise UnexpectedEventError("a screen is shown already")
        if not self._has_pictures:
            # None are offered to the server, so it would refuse us each time anew.
            raise MissingError("the room was entered without pictures")
