"""Sender keys of a larger room: who can open whose frames, and from when until when.

Each member seals what it sends with a key of its own, which it hands to every other
member over their pairwise call, never to the server. Who comes gets a key that leads
to no earlier one; who goes does not get the next one::

    somebody comes   epoch + 1, key := X(key, "ratchet", be32(epoch), 64)
                     told to who came; the others ratchet when they meet the epoch
    somebody goes    epoch + 1, key := 64 random bytes
                     told to all who stay; in use once all have it, or after 1 s

A frame names its key by KID = index << 8 | epoch mod 256, the index being two bytes of
a hash of the member: short, so two members may share one and both keys are tried.

What this does not give: every member holds every sender key, so a member who rules
the server as well could speak in the place of another, and so could one who left, for
as long as old keys are taken. Times are seconds of one monotonic clock. Bytes:
docs/formats/rooms.md.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from voip.errors import LimitError, MalformedError, RefusedError
from voip.handshake.schedule import expand
from voip.identity.keys import T
from voip.media.sframe import Header, Opener
from voip.signalling.group import FRAME_KEY_BYTES, SenderKey
from voip.wire import be32

MAX_MEMBERS = 16
"""When somebody goes each member sends 15 keys: within the second that the old key
lasts, at the 20 messages a second that a relay takes of one client."""

SWITCH_S = 1.0
"""How long the one who left can still open what is sent."""
OLD_KEY_S = 10.0
"""How long a key that was replaced still opens: packets take their time."""
MAX_CANDIDATES = 3
"""Members that may share an index; two do in one of 500 rooms of 16."""
MAX_AHEAD = 32
"""Epochs that a receiver ratchets on: a whole room may have come at once, twice."""
MAX_TOLD = 1 << 31
"""Epochs that a member may tell: half of those there are, so that none is used up."""
MAX_OLD = 16
"""Replaced keys of a member that are kept, whatever their age."""

_KID_EPOCHS = 256
_LAST_EPOCH = (1 << 32) - 1


def room_index(group_id: bytes, member: bytes) -> int:
    """Give the 16 bits by which frames name a member (identity key || device id)."""
    return int.from_bytes(T(b"room-index", group_id + member)[:2])


def frame_kid(index: int, epoch: int) -> int:
    """Give the key identifier that frames of this epoch carry; below 2^24."""
    return index << 8 | epoch % _KID_EPOCHS


def ratchet(key: bytes, epoch: int) -> bytes:
    """Give the key (64 bytes) of `epoch` from that of the one before; no way back."""
    return expand(key, b"ratchet", be32(epoch), FRAME_KEY_BYTES)


class InUse(NamedTuple):
    """What we seal with now: the SFrame base key (64 bytes) and how frames name it."""

    key: bytes
    kid: int


@dataclass(slots=True)
class _Next:
    """A key that waits until all who stay have it."""

    epoch: int
    key: bytes = field(repr=False)
    told: int  # the epoch that those who stay were told, of which this one is made
    due: float
    missing: set[bytes]


class SendingKey:
    """Our own key. What its methods return is to be told to the members named there."""

    def __init__(
        self, group_id: bytes, member: bytes, *, entropy: Callable[[int], bytes]
    ) -> None:
        """Begin with a random key; `member` is ourselves (48 bytes)."""
        self._group_id = group_id
        self._index = room_index(group_id, member)
        self._entropy = entropy
        self._epoch = 0
        self._key = entropy(FRAME_KEY_BYTES)
        self._next: list[_Next] = []

    def __repr__(self) -> str:
        return f"SendingKey(epoch {self._epoch}, {len(self._next)} to come)"

    @property
    def epoch(self) -> int:
        """How often the key in use changed."""
        return self._epoch

    @property
    def in_use(self) -> InUse:
        """The key to seal with, until `acknowledged`, `joined` or `tick` changes it."""
        return InUse(self._key, frame_kid(self._index, self._epoch))

    def joined(self) -> SenderKey:
        """Move on because somebody came; gives what to tell them, and only them."""
        if self._next:
            # The newest key is not in use yet; whoever has it ratchets all the same.
            newest = self._next[-1]
            newest.epoch += 1
            newest.key = ratchet(newest.key, newest.epoch)
            return self._told(newest.epoch, newest.key)
        self._epoch += 1
        self._key = ratchet(self._key, self._epoch)
        return self._told(self._epoch, self._key)

    def left(self, staying: Iterable[bytes], now: float) -> SenderKey:
        """Move on because somebody went; gives what to tell all who stay.

        The key is used when all of them acknowledged it, and after `SWITCH_S` anyway:
        one who answers slowly misses something, rather than the one who left hear it.
        """
        epoch = self._next[-1].epoch if self._next else self._epoch
        key = self._entropy(FRAME_KEY_BYTES)
        self._next.append(
            _Next(epoch + 1, key, epoch + 1, now + SWITCH_S, set(staying))
        )
        self.tick(now)
        return self._told(epoch + 1, key)

    def acknowledged(self, member: bytes, epoch: int, now: float) -> None:
        """Note that a member has the key of this epoch, and so can make later ones."""
        for each in self._next:
            if each.told <= epoch:
                each.missing.discard(member)
        self.tick(now)

    def gone(self, member: bytes) -> None:
        """Wait for this member no more."""
        for each in self._next:
            each.missing.discard(member)

    def tick(self, now: float) -> None:
        """Use the newest key that is due; those before it are forgotten."""
        for number in reversed(range(len(self._next))):
            each = self._next[number]
            if not each.missing or each.due <= now:
                self._epoch, self._key = each.epoch, each.key
                del self._next[: number + 1]
                return

    def _told(self, epoch: int, key: bytes) -> SenderKey:
        return SenderKey(self._group_id, self._index, epoch=epoch, key=key)


class _Key:
    """A key of another member."""

    __slots__ = ("epoch", "expires", "key", "opener")

    def __init__(self, index: int, epoch: int, key: bytes) -> None:
        self.epoch = epoch
        self.key = key
        self.opener = Opener(key, frame_kid(index, epoch))
        self.expires: float | None = None


@dataclass(slots=True)
class _Chain:
    """The keys of one member."""

    index: int
    newest: _Key
    old: list[_Key] = field(default_factory=list)

    def move(self, newest: _Key, now: float) -> None:
        self.newest.expires = now + OLD_KEY_S
        self.old = [*self.old, self.newest][-MAX_OLD:]
        self.newest = newest

    def find(self, epoch: int) -> _Key | None:
        """Give the key of an epoch mod 256: held, or ratcheted from the newest."""
        for held in (self.newest, *reversed(self.old)):
            if held.epoch % _KID_EPOCHS == epoch:
                return held
        ahead = (epoch - self.newest.epoch) % _KID_EPOCHS
        if ahead > MAX_AHEAD or self.newest.epoch + ahead > _LAST_EPOCH:
            return None
        key = self.newest.key
        for step in range(1, ahead + 1):
            key = ratchet(key, self.newest.epoch + step)
        return _Key(self.index, self.newest.epoch + ahead, key)


class HeardKeys:
    """The keys of the others, and what opens with them."""

    def __init__(self, group_id: bytes) -> None:
        """Begin without a key."""
        self._group_id = group_id
        self._chains: dict[bytes, _Chain] = {}
        # By KID, since each packet asks; at most 256 for each member's index.
        self._found: dict[int, tuple[tuple[bytes, _Key], ...]] = {}

    def take(self, member: bytes, told: SenderKey, now: float) -> None:
        """Take what a member said over the call with it; the same again is fine.

        Raises:
            RefusedError: of another room or index, or a key that went back: an older
                epoch, or another key for one that we have; an epoch that nobody
                reaches.
            LimitError: of more members than a room has.
        """
        index = room_index(self._group_id, member)
        if told.group_id != self._group_id or told.index != index:
            # Somebody else's index would have their frames pass for this member's.
            raise RefusedError(
                f"sender key: expected index {index} of this room, came {told.index}"
            )
        if told.epoch > MAX_TOLD:
            raise RefusedError(
                f"sender key: expected an epoch of at most {MAX_TOLD}, "
                f"came {told.epoch}"
            )
        chain = self._chains.get(member)
        if chain is None:
            if len(self._chains) == MAX_MEMBERS - 1:
                raise LimitError(f"sender keys of more than {MAX_MEMBERS - 1} members")
            key = _Key(index, told.epoch, told.key)
            self._chains[member] = _Chain(index, key)
        elif told.epoch > chain.newest.epoch:
            chain.move(_Key(index, told.epoch, told.key), now)
        elif (told.epoch, told.key) != (chain.newest.epoch, chain.newest.key):
            raise RefusedError(
                f"sender key: expected an epoch after {chain.newest.epoch}, "
                f"came {told.epoch}"
            )
        self._forget_found(index)

    def has_all(self, members: Iterable[bytes]) -> bool:
        """Say whether each of these told us its key."""
        return self._chains.keys() >= set(members)

    def drop(self, member: bytes) -> None:
        """Take nothing of this member any more: it left."""
        chain = self._chains.pop(member, None)
        if chain is not None:
            self._forget_found(chain.index)

    def open(
        self, header: Header, sealed: bytes, metadata: bytes, now: float
    ) -> tuple[bytes, bytes]:
        """Open a frame; gives whose key did, and what was in it.

        Raises:
            MalformedError: no member's key opens it, or it came before.
        """
        for member, key in self._candidates(header.kid):
            if key.expires is not None and key.expires <= now:
                continue
            try:
                plaintext = key.opener.open(header, sealed, metadata)
            except MalformedError:
                continue  # of another member with this index, perhaps
            chain = self._chains[member]
            if key.epoch > chain.newest.epoch:
                # Only what opened moves us on: a forged epoch would lock us out.
                chain.move(key, now)
                self._forget_found(chain.index)
            return member, plaintext
        raise MalformedError(f"sframe: no member's key {header.kid} opens it")

    def tick(self, now: float) -> None:
        """Forget keys whose time is over; called about once a second."""
        for chain in self._chains.values():
            kept = [each for each in chain.old if (each.expires or 0.0) > now]
            if len(kept) != len(chain.old):
                chain.old = kept
                self._forget_found(chain.index)

    def _candidates(self, kid: int) -> tuple[tuple[bytes, _Key], ...]:
        found = self._found.get(kid)
        if found is None:
            index, epoch = divmod(kid, _KID_EPOCHS)
            sharing = [
                (member, key)
                for member, chain in self._chains.items()
                if chain.index == index and (key := chain.find(epoch)) is not None
            ]
            found = tuple(sharing[:MAX_CANDIDATES])
            if found:  # of an index that nobody has there are too many to remember
                self._found[kid] = found
        return found

    def _forget_found(self, index: int) -> None:
        self._found = {
            kid: found
            for kid, found in self._found.items()
            if kid // _KID_EPOCHS != index
        }
