"""What a client of a log shows its peers, and asks of what it keeps: a `gossip.View`.

Carrier. Only the accepted head is shown, with the fewest cosignatures that suffice: not
what came later, not from where, and nothing about this machine. Asks nobody.
"""

from collections.abc import Sequence

from updater.errors import QuorumError
from updater.transparency.checkpoint import cut_note
from updater.transparency.gossip import Head, PeerHead
from updater.transparency.honour import TrustSet
from updater.transparency.merkle import EMPTY_ROOT
from updater.transparency.shelf import Shelf
from updater.transparency.state import Memory
from updater.transparency.tiles import TileReader
from updater.transparency.witnessed import check_quorum, smallest_quorum


class PeerView:
    """One log, at the head that was accepted when this was made."""

    def __init__(self, shelf: Shelf, memory: Memory, current: TrustSet) -> None:
        self._shelf = shelf
        self._memory = memory
        self._policy = current.policy
        self._tree: TileReader | None = None

    def heads(self) -> Sequence[Head]:
        """Give the accepted head, if the program itself knows this log."""
        memory, setting = self._memory, self._shelf.setting
        if memory.note is None or memory.origin not in setting.built_in.policy.origins:
            return []
        opened = self._shelf.open(memory.note, self._policy)
        try:
            fewest = smallest_quorum(self._policy, opened, setting.now())
        except QuorumError:
            return []  # the policy changed since: nobody we trust vouches for it now
        log_key = self._shelf.log_key(self._policy)
        return [
            Head(
                memory.origin,
                memory.head.size,
                root=memory.head.root,
                note=cut_note(memory.note, log_key, fewest),
                log_key=log_key,
            )
        ]

    def open(self, origin: str, note: bytes) -> PeerHead:
        """Check that the log signed a note.

        Raises:
            RefusedError: it did not, or the note is none.
        """
        assert origin == self._memory.origin
        opened = self._shelf.open(note, self._policy)
        try:
            check_quorum(self._policy, opened, self._shelf.setting.now())
            has_quorum = True
        except QuorumError:
            has_quorum = False
        head = opened.checkpoint
        return PeerHead(head.size, head.root, has_quorum=has_quorum)

    def root_at(self, origin: str, size: int) -> bytes:
        """Give the root that the accepted tree had at a smaller size.

        Raises:
            ProofError, UnreachableError: tiles are not kept any more.
        """
        assert origin == self._memory.origin
        return self._kept().root_at(size) if size else EMPTY_ROOT

    def prove(self, origin: str, size: int) -> Sequence[bytes]:
        """Prove a smaller size against the accepted tree; raises as `root_at`."""
        assert origin == self._memory.origin
        return self._kept().prove_consistency(size)

    def _kept(self) -> TileReader:
        if self._tree is None:
            self._tree = self._shelf.tree(self._memory)
        return self._tree
