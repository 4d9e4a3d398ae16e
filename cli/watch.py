"""How one call goes: figures, levels, and what becomes of its devices."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from cli.quality import Live
from voip.call import State
from voip.conversation import Conversation
from voip.media.ends.keeping import DeviceChange
from voip.media.ends.listed import Way
from voip.media.ends.open import Ends
from voip.media.quality.diary import Diary, Entry
from voip.media.quality.figures import MediaStats
from voip.media.quality.judgement import judge

if TYPE_CHECKING:
    from voip.media.ends.camera import Camera


class Watch:
    """Looks at one call, and remembers each second of it.

    Attributes:
        diary: what was remembered; None before the call stood.
        cameras: those that were opened during the call.
        ends: gives what the call hears and shows with, once that is open.
    """

    def __init__(
        self, conversation: Conversation, ends: Callable[[], Ends | None]
    ) -> None:
        """Take the call before it stands."""
        self.diary: Diary | None = None
        self.cameras: list[Camera] = []
        self._conversation = conversation
        self.ends = ends
        self._began = 0.0

    def live(self, now: float) -> Live | None:
        """Say how the call goes now; None while it does not."""
        stats = self._stats()
        if stats is None or self.diary is None:
            return None
        ends = self.ends()
        devices = ends.devices() if ends is not None else []
        levels = {each.way: each.level for each in devices if each.device is not None}
        return Live(Entry(now - self._began, stats, judge(stats)), levels)

    def note(self, now: float) -> None:
        """Remember this second, if the call stands."""
        stats = self._stats()
        stands = self._conversation.state in (State.ACTIVE, State.RECONNECTING)
        if stats is None or not stands:
            return
        if self.diary is None:
            self._began = now
            self.diary = Diary(now)
        self.diary.note(stats, now)

    def changes(self) -> list[DeviceChange]:
        """Give what became of devices since this was asked last."""
        ends = self.ends()
        changes = []
        while ends is not None and ends.changes:
            changes.append(ends.changes.popleft())
        return changes

    def failures(self) -> list[str]:
        """Say in sentences which devices and files have failed so far."""
        ends = self.ends()
        failed = ends.failures() if ends is not None else []
        return failed + [each.failure for each in self.cameras if each.failure]

    def _stats(self) -> MediaStats | None:
        stats, ends = self._conversation.stats, self.ends()
        if stats is None or ends is None:
            return stats
        named = {each.way: each.device for each in ends.devices()}
        return replace(stats, microphone=named.get(Way.IN), speaker=named.get(Way.OUT))
