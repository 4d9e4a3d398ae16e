"""Claims on their way into a log.

Carrier: `admission` decides. Here it is told what is in the log already, as far as the
disk knows: by the public claims, and by a register that is brought up to the tree.
"""

from collections.abc import Sequence

from updater.errors import RefusedError, StoreError
from updater.transparency.admission import Register
from updater.transparency.folder import LogFolder
from updater.transparency.merkle import hash_leaf
from updater.transparency.tiles import WIDTH, TileReader
from updater.transparency.trust import Trust


def caught_up(folder: LogFolder, reader: TileReader) -> Register:
    """Give the register of exactly this tree, reading the entries it lacks.

    Raises:
        StoreError: `state-lost`: it knows more entries than the tree has.
        ProofError: an entry is not in the tree.
        UnreachableError: a bundle is missing.
    """
    register = folder.register()
    if register.size > reader.size:
        raise StoreError(
            f"state-lost: the register knows {register.size} entries, the tree"
            f" {reader.size}"
        )
    while register.size < reader.size:
        bundle, skip = divmod(register.size, WIDTH)
        for leaf in reader.entries(bundle)[skip:]:
            register.read(leaf)
    return register


def admit(
    folder: LogFolder, trust: Trust, reader: TileReader, leaves: Sequence[bytes]
) -> None:
    """Check leaves as the next entries of a tree, in this order.

    Raises:
        RefusedError: one of them may not be appended, or is in the log or stands here
            twice.
        StoreError: as `caught_up`.
    """
    register = caught_up(folder, reader)
    seen: set[bytes] = set()
    for leaf in leaves:
        leaf_hash = hash_leaf(leaf)
        name = leaf_hash.hex()
        if leaf_hash in seen or folder.index_of(name) is not None:
            raise RefusedError(f"claim {name[:16]} is in the log already")
        try:
            register.admit(leaf, trust)
        except RefusedError as error:
            raise type(error)(f"claim {name[:16]}: {error}") from error
        seen.add(leaf_hash)
