"""A client's memory with something in every part of it."""

from tests.updater.transparency.worlds import START, World
from updater.transparency.index import (
    Index,
    LoggedFile,
    LoggedRebuild,
    LoggedYank,
    Place,
)
from updater.transparency.merkle import EMPTY_ROOT, hash_leaf
from updater.transparency.state import (
    Agreement,
    Installed,
    Kept,
    Memory,
    Seen,
    State,
)

FILE = "a1" * 32


def place(index: int, origin: str = "bt.example/ringfence/1") -> Place:
    """Give the place of an entry that nobody has."""
    return Place(origin, index, leaf_hash=hash_leaf(b"%d" % index))


INDEX = Index(
    files=(
        LoggedFile(
            place(0),
            "1.0.0",
            platform="cp312-linux-x86_64",
            channel="stable",
            sha256=FILE,
        ),
    ),
    yanks=(
        LoggedYank(
            place(1),
            place(0).leaf_hash,
            files=(FILE,),
            reason="backdoor",
            notice="block-install",
            replacement="1.0.1",
            advisory="https://ringfence.example/1",
        ),
        LoggedYank(
            place(2),
            place(0).leaf_hash,
            files=(FILE,),
            reason=None,
            notice=None,
            replacement=None,
            advisory=None,
        ),
    ),
    rebuilds=(LoggedRebuild(place(3), FILE, signer="f4" * 32),),
    policies=(place(4),),
    successors=(place(5),),
    garbage=1,
    unknown=2,
    repeated=3,
)


def memory() -> Memory:
    """Give what is remembered of a log of two entries."""
    world = World()
    world.release("1.0.0", FILE)
    world.release("1.1.0", FILE)
    note = world.publish()
    log = world.log
    world.log.append(b"more")
    return Memory(
        log.origin,
        floor=Seen(0, EMPTY_ROOT),
        note=note,
        next_entry=2,
        history=(Seen(1, log.root_at(1)), Seen(2, log.root_at(2), seen_at=START)),
        learned=(world.publish(),),
        frozen_by="f0" * 32,
        blocked_by="f1" * 32,
        succeeded_at=START,
        index=INDEX,
        judged_by=("f2" * 32,),
        honoured_at=(1, 4),
    )


def state() -> State:
    """Give a whole state."""
    return State(
        salt=bytes(range(32)),
        rev=7,
        logs=(memory(),),
        installed=Installed(place(0), "1.0.0"),
        agreed=(Agreement("f3" * 32, 2, origin=memory().origin, at=START),),
        evidence=(Kept("f0" * 32, "fork"), Kept("f1" * 32, "local", is_settled=True)),
    )
