"""What was fetched of a log and is kept: entries, trees and trust files, opened.

Carrier. Asks nobody, but for trust files that are due and were never fetched.
"""

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from updater.errors import (
    MalformedError,
    SignatureError,
    StoreError,
    UnreachableError,
)
from updater.files import Files
from updater.transparency.cache import Cache, Source, bundle_of
from updater.transparency.checkpoint import OpenedCheckpoint, open_checkpoint
from updater.transparency.claims.policy import PolicyClaim
from updater.transparency.entry import Entry, read_entry
from updater.transparency.honour import Honoured, LoggedPolicy, TrustSet, walk
from updater.transparency.index import Place
from updater.transparency.key import Kind, VerifierKey
from updater.transparency.merkle import hash_leaf
from updater.transparency.policy import Policy
from updater.transparency.state import Memory
from updater.transparency.store import Store
from updater.transparency.tiles import MAX_BUNDLE, WIDTH, TileReader, parse_bundle
from updater.transparency.witnessed import fresh_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where one log is followed, and by what: see `client.LogClient`."""

    folder: Path
    origin: str
    files: Files
    source: Source
    trust_file: Callable[[str], bytes]
    built_in: TrustSet
    floor: bytes | None
    own_policy: Policy | None
    max_entries: int
    now: Callable[[], float]


class Shelf:
    """What is kept of one log."""

    def __init__(self, setting: Setting, store: Store) -> None:
        self.setting = setting
        self.store = store

    def cache(self) -> Cache:
        """Open the files of the log for one run."""
        # Two logs never share a folder: their tiles have the same names.
        folder = self.setting.folder / "cache" / _folder_name(self.setting.origin)
        return Cache(folder, self.setting.files, self.setting.source)

    def log_key(self, policy: Policy) -> VerifierKey:
        """Give the key that the log signs with.

        Raises:
            UnreachableError: the policy does not know this log.
        """
        for key in policy.log_keys:
            if key.name == self.setting.origin and key.kind is Kind.LOG:
                return key
        raise UnreachableError(f"log {self.setting.origin} is in no policy that counts")

    def open(self, note: bytes, policy: Policy) -> OpenedCheckpoint:
        """Open a checkpoint of this log, with its witnesses and the user's own.

        Raises:
            MalformedError: it is none.
            SignatureError: it is of another log, or a signature is wrong.
        """
        own = self.setting.own_policy
        keys = [key for key in policy.log_keys if key.name == self.setting.origin]
        witnesses = [*policy.witness_keys, *(own.witness_keys if own else ())]
        return open_checkpoint(note, keys, witnesses)

    def leaf(self, memory: Memory, place: Place) -> bytes:
        """Give an entry that was read.

        Raises:
            StoreError: it is gone.
        """
        path, width = bundle_of(place.index, memory.next_entry)
        data = self.cache().read_kept(path, MAX_BUNDLE)
        try:
            leaf = parse_bundle(data or b"", width)[place.index % WIDTH]
            if hash_leaf(leaf) == place.leaf_hash:
                return leaf
        except MalformedError:
            pass
        raise StoreError(f"entry {place.index} is not kept any more")

    def tree(self, memory: Memory) -> TileReader:
        """Open the accepted tree.

        Raises:
            ProofError, UnreachableError: its tiles are gone.
        """
        head = memory.head
        return TileReader(head.size, head.root, self.cache().read_kept)

    def honour(self, memory: Memory) -> Honoured:
        """Find which trust files count by what was read.

        Raises:
            StoreError: a policy entry that was read is gone.
            UnreachableError: a trust file is not to be had.
        """
        logged = [self._policy(memory, place) for place in memory.index.policies]
        honoured = self._walk(memory, logged, self.setting.built_in.policy)
        # Each new policy has witnesses of its own, by whose times more may be due.
        while True:
            further = self._walk(memory, logged, honoured.current.policy)
            if len(further.sets) <= len(honoured.sets):
                return honoured
            honoured = further

    def _walk(
        self, memory: Memory, logged: list[LoggedPolicy], policy: Policy
    ) -> Honoured:
        fresh = None
        if memory.note is not None:
            # A policy that does not know this log's key vouches for no time of it.
            with contextlib.suppress(SignatureError):
                opened = self.open(memory.note, policy)
                fresh = fresh_at(policy, opened, self.setting.now())
        return walk(
            self.setting.built_in,
            logged,
            fresh_at=fresh,
            settled=memory.honoured_at,
            is_whole=memory.next_entry == memory.head.size,
            fetch=lambda sha256: self.store.trust_file(sha256, self.setting.trust_file),
        )

    def _policy(self, memory: Memory, place: Place) -> LoggedPolicy:
        entry = read_entry(self.leaf(memory, place))
        assert isinstance(entry, Entry)  # it was one when it was indexed, by its hash
        assert isinstance(entry.claim, PolicyClaim)
        return LoggedPolicy(
            place, entry, claim=entry.claim, seen_at=memory.seen_at(place.index)
        )


def _folder_name(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()[:16]
