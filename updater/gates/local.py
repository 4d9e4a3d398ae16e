"""Gates over what this machine knows by itself: clock, freeze, selection, waves."""

from typing import Final

from updater.findings import Proof, Severity, spell
from updater.gates.age import public_since, required_cooldown_s
from updater.gates.evidence import Evidence, have, no
from updater.installed.slots import Times
from updater.offer.version import order
from updater.offer.waves import WHOLE, bucket, opens_after_s, reached

TOLERANCE_S: Final = 300
"""A clock may be set back by this much, as time servers do."""
SOFT_AHEAD_S: Final = 30 * 86_400
"""Unsigned times count as long as they are not further ahead of signed ones."""
_DIGITS: Final = 12  # of the bundle's SHA-256 in a slot's name


def time_floor(times: Times) -> int:
    """Give the time (POSIX seconds) before which it cannot be.

    One wrong clock, or one stolen online key that says 2099, must not end updates for
    ever: what only they say is ignored when it is far ahead of what witnesses signed.
    """
    if times.soft > times.signed + SOFT_AHEAD_S:
        return times.signed
    return max(times.signed, times.soft)


def clock(e: Evidence) -> Proof:
    """A clock that was set back would bring expired metadata back to life."""
    floor = time_floor(e.here.times)
    if e.now < floor - TOLERANCE_S:
        no(
            "clock",
            f"this clock is {spell(floor - e.now)} behind a time seen before",
            Severity.NOT_YET,
            {"floor": floor, "now": round(e.now)},
        )
    return Proof("the clock is not behind any time seen before", {"floor": floor})


def freeze(e: Evidence) -> Proof:
    """Proven misbehaviour stands until the user has looked at it."""
    if evidence := have(e.log, "network").evidence:
        no(
            "frozen",
            f"evidence {evidence} stands, and nothing is installed",
            Severity.MISBEHAVIOUR,
            {"evidence": evidence},
        )
    return Proof("no proof of misbehaviour stands")


def select(e: Evidence) -> Proof:
    """The channel offers something new for this machine, and it may go there."""
    channel, here = have(e.channel, "channel"), e.here
    if (channel.name, channel.project) != (here.channel, here.product.project):
        no(
            "channel",
            f"expected {here.channel} of {here.product.project},"
            f" came {channel.name} of {channel.project}",
        )
    if here.platform not in channel.platforms:
        no("platform", f"the channel has nothing for {here.platform}")
    version = channel.offer(here.current)
    if e.wish.version not in {None, version}:
        no("channel", f"expected {e.wish.version}, the channel offers {version}")
    if version == here.current:
        no("current", f"{version} runs already", Severity.NOT_YET)
    if here.floor is not None and order(version) < order(here.floor):
        no(
            "floor",
            f"the channel offers {version}, but {here.floor} was here before",
            facts={"floor": here.floor, "version": version},
        )
    _check_history(e, version)
    return Proof(
        f"channel {channel.name} offers {version}, newer than {here.current or 'none'}",
        {"channel": channel.name, "platform": here.platform, "version": version},
    )


def _check_history(e: Evidence, version: str) -> None:
    """Nothing that failed here comes again, nor what the user went back from."""
    here = e.here
    if here.pending is not None:
        no("pending", f"{here.pending} has not proved itself yet", Severity.NOT_YET)
    slot = f"{version}-{have(e.target, 'platform').sha256[:_DIGITS]}"
    if slot in here.bad and not e.wish.retries_bad:
        no("bad", f"{slot} failed here before", facts={"slot": slot})
    if version in here.skip and e.wish.version != version and not _is_overdue(e):
        no("skipped", f"{version} was rolled back by hand", Severity.NOT_YET)


def wave(e: Evidence) -> Proof:
    """A release reaches a few first: a bad one is noticed before it is everywhere."""
    channel = have(e.channel, "channel")
    if channel.paused and not e.wish.ignores_pause:
        no("paused", "the publisher has stopped the roll-out", Severity.NOT_YET)
    if e.wish.is_by_hand:
        return Proof("asked by hand, so no wave is waited for", waived=True)
    if _is_overdue(e):
        return Proof("the running version is too old to wait for a wave")
    version = channel.offer(e.here.current)
    mine = bucket(e.here.seed, channel.name, version)
    if e.tightening.waits_for_last_wave:
        mine = WHOLE - 1
    start = public_since(e) + required_cooldown_s(e)
    open_to = reached(channel.waves, e.now - start)
    if mine >= open_to:
        opens = start + opens_after_s(channel.waves, mine)
        no(
            "rollout",
            f"the wave of this machine opens in {spell(opens - e.now)}",
            Severity.NOT_YET,
            {"opensAt": round(opens)},
        )
    return Proof(f"open to {open_to} of {WHOLE} machines, this one included")


def _is_overdue(e: Evidence) -> bool:
    """Whether what runs is no longer supported."""
    channel = have(e.channel, "channel")
    return e.here.current is not None and not channel.is_supported(e.here.current)
