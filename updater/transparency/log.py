"""A static log, as its one writer uses it: append, publish, refresh, prove.

Carrier. The log is a folder that any web server or a USB stick serves; what keeps it
from ever saying two things about one size is in `publishing`.
"""

from collections.abc import Sequence

from updater.errors import RefusedError
from updater.transparency.folder import LogFolder
from updater.transparency.intake import admit
from updater.transparency.merkle import hash_leaf
from updater.transparency.proof import LogProof
from updater.transparency.publishing import (
    Means,
    Publication,
    Published,
    open_tree,
    shown_checkpoint,
)


class Log:
    """The one writer of a log; a second one, in any process, is told it is busy."""

    def __init__(self, folder: LogFolder) -> None:
        self._folder = folder

    def append(self, leaves: Sequence[bytes]) -> list[bytes]:
        """Let claims wait for the next publication; gives their leaf hashes.

        All or none: each is checked as the strictest client would check it.

        Raises:
            RefusedError: one may not be appended, or is in the log or waiting already.
            BusyError: another process writes this log.
            StoreError: `state-lost`, `log-damaged`, or the disk refuses.
        """
        folder = self._folder
        with folder.files.lock(folder.lock):
            journal = folder.journal()
            tree = open_tree(folder, journal.size, journal.root)
            waiting = [folder.read_queued(each) for each in folder.queue()]
            done = set(journal.batch)  # these stay in the queue until they are shown
            new = [each for each in waiting if hash_leaf(each) not in done]
            admit(folder, folder.trust(), tree, [*new, *leaves])
            for leaf in leaves:
                folder.enqueue(leaf)
        return [hash_leaf(each) for each in leaves]

    def append_missing(self, leaves: Sequence[bytes]) -> list[bytes]:
        """Append what is not there: neither in the log, nor waiting, nor here before.

        Gives the leaf hashes of these. So whoever collects claims can hand over all of
        them, again and again.

        Raises:
            RefusedError, BusyError, StoreError: as `append`.
        """
        folder = self._folder
        waiting = {hash_leaf(folder.read_queued(each)) for each in folder.queue()}
        named = {hash_leaf(leaf): leaf for leaf in leaves}
        return self.append(
            [
                leaf
                for leaf_hash, leaf in named.items()
                if leaf_hash not in waiting and folder.index_of(leaf_hash.hex()) is None
            ]
        )

    def publish(self, means: Means) -> Published:
        """Finish what an earlier run began, append what waits, and show the tree.

        Raises:
            NotYetError: too few witnesses signed; the next run goes on with this tree.
            RefusedError: a claim that waits may not be appended; the key is another's.
            UnreachableError: no witness could be asked, and nothing was signed.
            BusyError: another process writes this log.
            StoreError: `state-lost`, `log-damaged`, or the disk refuses.
        """
        with self._folder.files.lock(self._folder.lock):
            run = Publication(self._folder, means)
            finished = run.resume()
            if not self._folder.queue():
                return finished or run.current()
            run.check_witnesses()
            run.grow()
            return run.finish()

    def refresh(self, means: Means) -> Published:
        """Have the published tree witnessed anew, as a log is asked to every day.

        Without it a log with nothing to say cannot be told from one that is withheld.
        What an earlier run began is finished instead: that is fresh as well.

        Raises:
            RefusedError: the log is empty, or the key is another's.
            NotYetError, BusyError, StoreError: as in `publish`.
        """
        with self._folder.files.lock(self._folder.lock):
            run = Publication(self._folder, means)
            finished = run.resume()
            if finished is None:
                run.refresh()
                finished = run.finish()
            return finished

    def prove(self, index: int) -> LogProof:
        """Prove an entry under the public checkpoint.

        Raises:
            ProofError: there is no such entry.
            RefusedError: the log is empty.
            StoreError: `log-damaged`.
        """
        shown = shown_checkpoint(self._folder)
        if shown is None:
            raise RefusedError("the log is empty")
        tree = shown.checkpoint
        reader = open_tree(self._folder, tree.size, tree.root)
        hashes = tuple(reader.prove_inclusion(index))
        return LogProof(index, hashes, checkpoint=shown.note)
