"""What we send into a room: our voice, our picture, and those of our guests.

Carrier. There is one voice and one picture for each other member, and our guests are
heard and seen by way of them: who is muted is so at the bridge then, and the sessions
go on; a picture of ours that is off is kept back, and that of a guest passes. Of
several who show pictures the one who speaks is seen.
"""

from dataclasses import replace

from voip.gateway.bridge import Port
from voip.gateway.mixing import QUIET
from voip.gateway.rooms.carried import Carried
from voip.gateway.rooms.company import Company
from voip.gateway.rooms.news import MemberSeen
from voip.media.plan import MediaPlan
from voip.media.sources import Picture, VideoSource


class Shutter:
    """A camera that shows nothing while its user does not want to."""

    def __init__(self, source: VideoSource) -> None:
        """Take the camera; shut."""
        self.is_open = False
        self._source = source

    async def picture(self) -> Picture:
        """Wait for one that may be seen; those between are looked at by nobody."""
        while True:
            picture = await self._source.picture()
            if self.is_open:
                return picture

    def close(self) -> None:
        """Close the camera."""
        self._source.close()


class Ourselves:
    """Our place among those who are heard and seen.

    Attributes:
        plan: what we hear and show with, as the bridge is to use it.
    """

    def __init__(
        self,
        seen: MemberSeen,
        local: Port,
        plan: MediaPlan,
        company: Company,
        carried: Carried,
    ) -> None:
        """Begin heard and not seen; `seen` is what never changes of us.

        `local` is the port of our devices, `company` the sessions that carry it all.
        """
        self._seen = seen
        self._local = local
        self._company = company
        self._carried = carried
        self._shutter: Shutter | None = None
        if plan.video_source is not None:
            self._shutter = Shutter(plan.video_source)
            plan = replace(plan, video_source=self._shutter)
        self.plan = plan
        self._is_muted = self._shows = False

    def set_muted(self, *, on: bool) -> None:
        """Say nothing, or what the microphone hears."""
        self._is_muted = self._local.is_muted = on
        self.settle()

    def set_video(self, *, on: bool) -> None:
        """Show our picture, or stop."""
        self._shows = on
        if self._shutter is not None:
            self._shutter.is_open = on
        self.settle()

    def settle(self) -> None:
        """Let the sessions carry what there is, of us and of our guests."""
        company, carried = self._company, self._carried
        muted = self._is_muted and not carried.is_hosting
        video = self._shows or carried.shows_pictures
        if company.muted != muted:
            company.muted = muted
            company.each(lambda conversation: conversation.set_muted(on=muted))
        if company.video != video:
            company.video = video
            company.each(lambda conversation: conversation.set_video(on=video))

    def seen(self, *, has_hand_up: bool, shows_screen: bool) -> MemberSeen:
        """Say what we do, for our own list."""
        return replace(
            self._seen,
            has_hand_up=has_hand_up,
            is_speaking=self._local.level >= QUIET and not self._is_muted,
            is_muted=self._is_muted,
            shows_video=self._shows,
            shows_screen=shows_screen,
        )
