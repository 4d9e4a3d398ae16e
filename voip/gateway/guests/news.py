"""What the host of a browser guest is told: facts, one frozen value each."""

from dataclasses import dataclass

from voip.signalling.messages import HangupReason


@dataclass(frozen=True, slots=True)
class Connected:
    """Media have a way to the guest, the first or another one."""


@dataclass(frozen=True, slots=True)
class OpenedAgain:
    """Somebody who has the link opened it once more."""


@dataclass(frozen=True, slots=True)
class GuestShows:
    """What the guest sends now."""

    muted: bool
    video: bool


@dataclass(frozen=True, slots=True)
class GuestCompared:
    """The guest says that the words are the same; for display, it proves nothing."""


@dataclass(frozen=True, slots=True)
class GuestPressed:
    """Touch tones."""

    digits: str


@dataclass(frozen=True, slots=True)
class MediaFailed:
    """Something of the media does not work, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class GuestEnded:
    """It is over; always the last."""

    reason: HangupReason
    why: str
    by_guest: bool


GuestNews = (
    Connected
    | OpenedAgain
    | GuestShows
    | GuestCompared
    | GuestPressed
    | MediaFailed
    | GuestEnded
)
