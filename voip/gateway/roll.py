"""The roll of one gateway's call: its legs, and who has shown which of them.

Pure; times are seconds of any steady clock. Fed with what happens, it answers with what
to do, in order: gates shut first, then everybody is told, then gates open. ::

    WANTED ─ want ─▶ ANNOUNCED ── every peer has shown it ──▶ JOINED
                         ▲                                      │
                         └────────── it became weaker ──────────┘
    ANNOUNCED ── one refuses, or 30 s ──▶ ended (refused by a peer)

A leg that is announced hears nothing and is not heard; the call that goes on beside it
is not disturbed. So media passes between a leg and a peer only if the leg has joined,
and the peer has shown every joined leg as weak as it is now, or weaker.
"""

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, replace

from voip.errors import LimitError, UnexpectedEventError
from voip.notice import Told, is_weaker
from voip.signalling.legs import (
    MAX_LEGS,
    LegEnd,
    LegReason,
    Legs,
    LegsAck,
    LegStage,
    ListedLeg,
)

ANSWER_S = 30.0  # for a person who looks at a screen and decides
MAX_ID = 255


@dataclass(frozen=True, slots=True)
class ShutLeg:
    """Nothing more of this leg, at once."""

    id: int


@dataclass(frozen=True, slots=True)
class OpenLeg:
    """It hears and is heard from now on."""

    id: int


@dataclass(frozen=True, slots=True)
class DropLeg:
    """It is over, for a reason of the roll: end it on its own side, too."""

    id: int
    reason: LegReason


@dataclass(frozen=True, slots=True)
class ShutPeer:
    """Nothing to or from this peer, at once."""

    name: str


@dataclass(frozen=True, slots=True)
class OpenPeer:
    """It hears and is heard from now on."""

    name: str


@dataclass(frozen=True, slots=True)
class LosePeer:
    """It refuses what others hear already: its gate stays shut."""

    name: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Say this to a peer."""

    name: str
    message: Legs | LegEnd


Command = ShutLeg | OpenLeg | DropLeg | ShutPeer | OpenPeer | LosePeer | Tell


@dataclass(slots=True)
class _Leg:
    """A leg and until when everybody may answer; None once it has joined."""

    listed: ListedLeg
    _: KW_ONLY
    until: float | None


@dataclass(slots=True)
class _Peer:
    """One who is told, and what it says."""

    told: Told
    is_open: bool = False
    is_lost: bool = False


class Roll:
    """Legs and peers of one call."""

    def __init__(self) -> None:
        self._version = 1
        self._ids = 0
        self._legs: dict[int, _Leg] = {}
        self._peers: dict[str, _Peer] = {}

    @property
    def legs(self) -> Legs:
        """The list as it was told last."""
        return Legs(self._version, tuple(leg.listed for leg in self._legs.values()))

    @property
    def deadline(self) -> float | None:
        """When `pass_time` has something to do; None while there is nothing."""
        times = [leg.until for leg in self._legs.values() if leg.until is not None]
        return min(times, default=None)

    def leg(self, leg_id: int) -> ListedLeg | None:
        """Give a leg as it is listed; None if it is over."""
        leg = self._legs.get(leg_id)
        return leg.listed if leg is not None else None

    def want(self, leg: ListedLeg, now: float) -> tuple[int, list[Command]]:
        """Announce a leg; gives the id that it has, in place of its own.

        Raises:
            LimitError: there are 8, or there were 255.
        """
        if len(self._legs) == MAX_LEGS:
            raise LimitError(f"{MAX_LEGS} legs in one call are enough")
        if self._ids == MAX_ID:
            raise LimitError(f"{MAX_ID} legs were in this call: no number is left")
        self._ids += 1
        listed = replace(leg, id=self._ids, stage=LegStage.ANNOUNCED)
        self._legs[self._ids] = _Leg(listed, until=now + ANSWER_S)
        return self._ids, self._announce()

    def change(self, leg: ListedLeg, now: float) -> list[Command]:
        """List a leg as it is now; its stage is ours to say, but whether it is held.

        Raises:
            UnexpectedEventError: it is over.
        """
        known = self._legs.get(leg.id)
        if known is None:
            raise UnexpectedEventError(f"leg {leg.id} is over")
        commands: list[Command] = []
        stage = known.listed.stage
        if is_weaker(leg, known.listed):
            if stage is not LegStage.ANNOUNCED:
                commands = [ShutLeg(leg.id)]
            stage, known.until = LegStage.ANNOUNCED, now + ANSWER_S
        elif stage is not LegStage.ANNOUNCED and leg.stage is not LegStage.ANNOUNCED:
            stage = leg.stage
        listed = replace(leg, stage=stage)
        if listed == known.listed:
            return []
        known.listed = listed
        return commands + self._announce()

    def end(self, ended: LegEnd) -> list[Command]:
        """Take a leg out; nothing if it is over already."""
        if self._legs.pop(ended.id, None) is None:
            return []
        told: list[Command] = [Tell(name, ended) for name in self._peers]
        return [ShutLeg(ended.id), *told, *self._announce()]

    def add_peer(self, name: str) -> list[Command]:
        """Tell one more; its gate opens once it has shown the list.

        Raises:
            UnexpectedEventError: the name is taken.
        """
        if name in self._peers:
            raise UnexpectedEventError(f"{name!r} is told already")
        peer = self._peers[name] = _Peer(Told())
        peer.told.tell(self.legs)
        return [Tell(name, self.legs), *self._open()]

    def drop_peer(self, name: str) -> list[Command]:
        """Tell one less; nothing if it is gone already."""
        peer = self._peers.pop(name, None)
        if peer is None:
            return []
        shut: list[Command] = [ShutPeer(name)] if peer.is_open else []
        return [*shut, *self._settle()]

    def acknowledged(self, name: str, ack: LegsAck) -> list[Command]:
        """Take an answer of a peer; nothing if it is gone.

        Raises:
            MalformedError: it speaks of a list that was never sent.
        """
        peer = self._peers.get(name)
        if peer is None:
            return []
        peer.told.answer(ack)
        if not peer.told.is_refused:
            peer.is_lost = False
            return self._settle()
        refused = [
            leg_id
            for leg_id, leg in self._legs.items()
            if leg.listed.stage is LegStage.ANNOUNCED
        ]
        if refused:
            return self._drop(refused)
        lost: list[Command] = [] if peer.is_lost else [LosePeer(name)]
        peer.is_lost = True
        return self._shut() + lost

    def pass_time(self, now: float) -> list[Command]:
        """Drop the legs that not everybody has answered to in time."""
        late = [
            leg_id
            for leg_id, leg in self._legs.items()
            if leg.until is not None and leg.until <= now
        ]
        return self._drop(late) if late else []

    def _drop(self, ids: Iterable[int]) -> list[Command]:
        commands: list[Command] = []
        for leg_id in ids:
            del self._legs[leg_id]
            ended = LegEnd(leg_id, LegReason.REFUSED_BY_PEER)
            commands.append(DropLeg(leg_id, LegReason.REFUSED_BY_PEER))
            commands += [Tell(name, ended) for name in self._peers]
        return commands + self._announce()

    def _announce(self) -> list[Command]:
        """Tell everybody the list as it is now, and see what follows."""
        self._version += 1
        legs = self.legs
        for peer in self._peers.values():
            peer.told.tell(legs)
        told: list[Command] = [Tell(name, legs) for name in self._peers]
        return [*self._shut(), *told, *self._settle()]

    def _settle(self) -> list[Command]:
        """Let those legs join that everybody has shown."""
        joining = [
            leg
            for leg_id, leg in self._legs.items()
            if leg.listed.stage is LegStage.ANNOUNCED
            and all(peer.told.knows(leg_id) for peer in self._peers.values())
        ]
        if not joining:
            return [*self._shut(), *self._open()]
        for leg in joining:
            leg.listed = replace(leg.listed, stage=LegStage.JOINED)
            leg.until = None
        opened: list[Command] = [OpenLeg(leg.listed.id) for leg in joining]
        return [*self._announce(), *opened]

    def _shut(self) -> list[Command]:
        commands: list[Command] = []
        for name, peer in self._peers.items():
            if peer.is_open and not peer.told.is_open:
                peer.is_open = False
                commands.append(ShutPeer(name))
        return commands

    def _open(self) -> list[Command]:
        commands: list[Command] = []
        for name, peer in self._peers.items():
            if not peer.is_open and peer.told.is_open:
                peer.is_open = True
                commands.append(OpenPeer(name))
        return commands
