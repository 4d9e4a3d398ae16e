"""What stands between a thief and a changed release, whichever keys were stolen.

A row names the keys in a thief's hands, what is done with them, and every gate that
still refuses the changed release on a machine that followed the honest project before.
What nothing refuses is a row too: that is what it takes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import pytest

from tests.updater.clients import Client
from tests.updater.places import GOOD, app_bundle
from tests.updater.transparency import claimants
from tests.updater.world import DAY, LAB_TIME, OPERATORS, Release, World
from updater.errors import RefusedError
from updater.gates.evidence import Wish
from updater.testing.sigstore_lab import SigstoreLab
from updater.transparency.claims.release import Severity
from updater.transparency.rebuilders import Operator
from updater.transparency.trust import Role

EVIL = f"{GOOD}\n# and something else\n"

TIMESTAMP = ("timestamp",)
ONLINE = (*TIMESTAMP, "snapshot", "channels", "claims")
MACHINE = (*ONLINE, "releases/1", "identity")
LISTING = (*ONLINE, "releases")
CLAIMING = (*LISTING, "claim:release")
BUILDING = (*CLAIMING, "identity")
FEW_WITNESSES = ("log", "witness:w1", "witness:w2")
QUORUM = (*FEW_WITNESSES, "witness:w3")
REBUILDERS = ("rebuilder:anna", "rebuilder:bert")
POLICY = "claim:policy"

NONE = frozenset[str]()

UNSIGNED = frozenset(
    {
        "tuf", "policy", "select", "wave", "claim", "signature", "inclusion",
        "consistency", "witness", "yank", "cooldown", "rebuild",
    }
)  # fmt: skip
"""Without metadata that holds there is nothing that any gate could say yes to."""
UNLISTED = frozenset(
    {"select", "claim", "signature", "inclusion", "consistency", "yank", "rebuild"}
)
"""Nor without a role that lists the file."""


@cache
def honest() -> World:
    """Give the project before anything is stolen; 1.0 and 1.1 are out."""
    world = World(lab=SigstoreLab(lambda: LAB_TIME))
    for version in ("1.0", "1.1"):
        world.release(version)
        world.wait(10 * DAY)
    return world


def victim(folder: Path) -> Client:
    """Give a machine that has seen the honest project."""
    client = Client(honest(), folder)
    assert client.check(honest()) == {}
    return client


# What is done with the keys


def forge(thief: World, severity: Severity = "normal") -> Release:
    """Offer a changed 1.2: list, sign, claim, log and rebuild it as far as they go."""
    bundle = app_bundle("1.2", EVIL)
    sigstore = thief.list_release("1.2", bundle)
    leaf = thief.claim("1.2", bundle, sigstore=sigstore, severity=severity)
    made = Release(version="1.2", bundle=bundle, leaf=leaf, index=0)
    try:
        made = thief.log_release("1.2", bundle, leaf)
    except RefusedError:  # an entry of somebody else must do for a proof
        thief.repository.add(f"{made.path}.claim.json", leaf, "claims")
        thief.prove(made)
    for operator in OPERATORS:
        try_to(partial(thief.rebuild, made, operator))
    thief.offer("1.2")
    thief.publish()
    return made


def try_to(act: Callable[[], object]) -> None:
    """Do what an honest log may refuse to take."""
    try:
        act()
    except RefusedError:
        return


def forge_urgently(thief: World) -> None:
    """Call the changed release a security fix, for which nobody should wait long."""
    forge(thief, "security")


def forge_elsewhere(thief: World) -> None:
    """Show a log in which 1.1 never was."""
    thief.rewind_log(thief.releases["1.1"].index)
    forge(thief)


def list_other_bytes(thief: World) -> None:
    """List other bytes under the honest claim of 1.1."""
    thief.list_release("1.1", app_bundle("1.1", EVIL))
    thief.publish()


def replace_policy(thief: World) -> None:
    """Have trust files name keys of the thief's own, and forge with those."""
    operators = tuple(
        Operator(name, (claimants.public(key),))
        for name, key in thief.operator_keys.items()
    )
    release = Role(2, tuple(map(claimants.public, thief.claim_keys["release"])))
    thief.trust = replace(
        thief.trust,
        roles=thief.trust.roles | {"release": release},
        rebuilders=replace(thief.trust.rebuilders, operators=operators),
    )
    thief.lab = thief.signing_lab
    try_to(thief.log_policy)
    forge(thief)


def replace_root(thief: World) -> None:
    """Have TUF name keys of the thief's own, and forge with those."""
    thief.repository.rekey()
    try_to(thief.log_policy)
    forge(thief)


def replace_both(thief: World) -> None:
    """Have both name keys of the thief's own."""
    thief.repository.rekey()
    replace_policy(thief)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thief: the keys, what is done with them, and what refuses after a time."""

    name: str
    keys: tuple[str, ...]
    act: Callable[[World], object] = forge
    after: float = 8 * DAY
    gates: frozenset[str] | set[str]
    is_newcomer: bool = False
    """Whether the victim never saw the honest project."""


ROWS = [
    Row(name="the network", keys=(), gates=UNSIGNED),
    Row(name="the timestamp", keys=TIMESTAMP, gates=UNSIGNED),
    Row(name="all keys that are online", keys=ONLINE, gates=UNLISTED),
    Row(name="the build machine", keys=MACHINE, gates=UNLISTED),
    Row(
        name="all keys that list files",
        keys=LISTING,
        gates={"claim", "signature", "inclusion", "rebuild"},
    ),
    Row(
        name="the same, with an honest claim of other bytes",
        keys=LISTING,
        act=list_other_bytes,
        gates={"claim", "signature", "consistency", "rebuild"},
    ),
    Row(
        name="the same, and Sigstore",
        keys=(*LISTING, "identity"),
        gates={"claim", "inclusion", "rebuild"},
    ),
    Row(
        name="all keys that claim releases",
        keys=CLAIMING,
        gates={"signature", "rebuild"},
    ),
    Row(
        name="all of the publisher's, at once",
        keys=BUILDING,
        after=0,
        gates={"wave", "cooldown", "rebuild"},
    ),
    Row(
        name="all of the publisher's, and haste",
        keys=BUILDING,
        act=forge_urgently,
        after=DAY,
        gates={"rebuild"},
    ),
    Row(name="all of the publisher's, and time", keys=BUILDING, gates={"rebuild"}),
    Row(
        name="the same, and a rebuilder",
        keys=(*BUILDING, "rebuilder:anna"),
        gates={"rebuild"},
    ),
    Row(
        name="the same, and as many rebuilders as it takes",
        keys=(*BUILDING, *REBUILDERS),
        gates=NONE,
    ),
    Row(
        name="the log and too few witnesses",
        keys=(*BUILDING, *REBUILDERS, *FEW_WITNESSES),
        act=forge_elsewhere,
        gates={"freeze", "consistency", "witness", "cooldown", "rebuild"},
    ),
    Row(
        name="the log and a quorum of witnesses",
        keys=(*BUILDING, *REBUILDERS, *QUORUM),
        act=forge_elsewhere,
        gates={"freeze", "consistency", "cooldown", "rebuild"},
    ),
    Row(
        name="the same, for a newcomer",
        keys=(*BUILDING, *QUORUM),
        act=forge_elsewhere,
        is_newcomer=True,
        gates={"rebuild"},
    ),
    Row(
        name="the keys that deliver trust files",
        keys=(*LISTING, "trust"),
        act=replace_policy,
        gates={"claim", "signature", "rebuild"},
    ),
    Row(
        name="the same, and those of the policy, for two days",
        keys=(*LISTING, "trust", POLICY),
        act=replace_policy,
        after=2 * DAY,
        gates={"wave", "claim", "signature", "cooldown", "rebuild"},
    ),
    Row(
        name="the same, in public for longer than the policy asks for",
        keys=(*LISTING, "trust", POLICY),
        act=replace_policy,
        gates=NONE,
    ),
    Row(
        name="the root",
        keys=("root",),
        act=replace_root,
        gates={"policy", "claim", "signature", "inclusion", "rebuild"},
    ),
    Row(
        name="the root, and the policy, for two days",
        keys=("root", POLICY),
        act=replace_both,
        after=2 * DAY,
        gates={"policy", "wave", "claim", "signature", "cooldown", "rebuild"},
    ),
    Row(
        name="the root, announced in public",
        keys=("root", POLICY),
        act=replace_root,
        gates={"claim", "signature", "inclusion", "rebuild"},
    ),
    Row(
        name="the root and the trust files, announced in public",
        keys=("root", POLICY),
        act=replace_both,
        gates=NONE,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_gates_that_still_refuse(row: Row, tmp_path: Path) -> None:
    client = Client(honest(), tmp_path) if row.is_newcomer else victim(tmp_path)
    thief = honest().thief(*row.keys)
    row.act(thief)
    client.check(thief)
    thief.wait(row.after)

    assert set(client.check(thief)) == row.gates


def test_the_network_alone_can_change_no_byte(tmp_path: Path) -> None:
    client = victim(tmp_path)
    client.see(honest())
    made = honest().releases["1.1"]
    file = next(client.site.rglob(f"{made.sha256}.{made.name}"))
    file.write_bytes(app_bundle("1.1", EVIL))

    report = client.apply()

    assert report.headline is not None
    assert (report.headline[0], report.kind) == ("fetch", "unreachable")
    assert client.root.current() is None


@pytest.mark.parametrize(
    ("keys", "gate"),
    [(("rebuilder:anna",), "rebuild"), (("claim:yank",), "yank")],
    ids=["a rebuilder", "the yank role"],
)
def test_keys_that_restrict_can_stop_an_install_and_grant_none(
    keys: tuple[str, ...], gate: str, tmp_path: Path
) -> None:
    client, world = victim(tmp_path), honest().copy()
    thief = world.thief(*keys)
    made = world.releases["1.1"]
    try_to(lambda: world.submit(thief.rebuild_leaf(made, "anna", other="0f" * 32)))
    try_to(lambda: world.submit(thief.yank_leaf(made)))
    world.publish()

    assert set(client.check(world)) == {gate}


def test_online_keys_can_hide_a_release_and_are_seen_doing_so(tmp_path: Path) -> None:
    client = victim(tmp_path)
    thief = honest().thief(*ONLINE)
    thief.offer("1.0")
    thief.wait(30 * DAY)
    client.see(thief)

    notices = [each.code for each in client.updater.check(Wish()).notices]

    assert notices == ["withheld"]


def test_online_keys_can_keep_the_past_alive_for_a_month(tmp_path: Path) -> None:
    client = victim(tmp_path)
    thief = honest().thief(*ONLINE)
    for each in thief.witnesses:
        each.is_silent = True
    shown = thief.log.note
    thief.wait(31 * DAY)
    thief.log.note = shown

    assert set(client.check(thief)) == {"fresh"}
