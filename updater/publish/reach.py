"""How far what is public has come: until when the log was seen, and who may install.

Carrier. It goes by the witnesses' signed times as clients do, so that a publisher sees
a log that goes stale, or a wave that opens, when they see it.
"""

from dataclasses import KW_ONLY, dataclass

from updater.offer.channel import Channel, parse_channel
from updater.offer.product import Product
from updater.offer.waves import reached
from updater.publish import claims, metadata
from updater.publish.folder import PublisherFolder
from updater.publish.rolefile import Listed
from updater.transparency import witnessed
from updater.transparency.checkpoint import OpenedCheckpoint, open_checkpoint
from updater.transparency.proof import parse_proof
from updater.transparency.publishing import shown_checkpoint
from updater.tuf import layout


@dataclass(frozen=True, slots=True)
class Rollout:
    """How many thousandths of all may install what a channel offers."""

    channel: str
    version: str
    _: KW_ONLY
    per_mille: int
    next_at: int | None
    """When more of them may, POSIX seconds; None if there is no next wave, or if no
    witness says yet since when the release is public."""
    is_paused: bool


def fresh_at(folder: PublisherFolder, now: float) -> int | None:
    """Say until when the witnesses called the public log the newest, POSIX seconds.

    None while nothing is public, or where the policy asks for no witness.
    """
    shown = shown_checkpoint(folder.log)
    if shown is None:
        return None
    return witnessed.fresh_at(folder.log.policy(), _open(folder, shown.note), now)


def rollouts(folder: PublisherFolder, product: Product, now: float) -> list[Rollout]:
    """Say how far each channel's release has come; without its proof it has not begun.

    Raises:
        StoreError: a file that is listed is not there.
    """
    listed = _listed(folder, layout.CHANNELS.name)
    channels = [
        parse_channel(folder.read_target(path, each)) for path, each in listed.items()
    ]
    return [
        _rollout(each, _start(folder, product, each, now), now) for each in channels
    ]


def _rollout(channel: Channel, start: int | None, now: float) -> Rollout:
    begun = 0 if start is None else reached(channel.waves, now - start)
    opens = [
        start + wave.after_s
        for wave in channel.waves
        if start is not None and wave.per_mille > begun
    ]
    return Rollout(
        channel.name,
        channel.version,
        per_mille=begun,
        next_at=min(opens, default=None),
        is_paused=channel.paused,
    )


def _start(
    folder: PublisherFolder, product: Product, channel: Channel, now: float
) -> int | None:
    """Say when the first wave opens: once the release was public for its cooldown."""
    listed = _listed(folder, layout.CLAIMS.name)
    path = product.target(channel.version, channel.platforms[0])
    names = (f"{path}.claim.json", f"{path}.tlog-proof")
    if not set(names) <= listed.keys():
        return None
    leaf, proof = (folder.read_target(name, listed[name]) for name in names)
    trust = folder.log.trust()
    since = witnessed.seen_at(
        folder.log.policy(),
        _open(folder, parse_proof(proof).checkpoint),
        now,
        group=trust.cooldown_group,
    )
    severity = claims.parse_release(leaf).severity
    return None if since is None else since + trust.cooldown_s(severity)


def _open(folder: PublisherFolder, note: bytes) -> OpenedCheckpoint:
    policy = folder.log.policy()
    return open_checkpoint(note, policy.log_keys, policy.witness_keys)


def _listed(folder: PublisherFolder, role: str) -> dict[str, Listed]:
    data = folder.role(role, staged=False)
    return {} if data is None else dict(metadata.read(data).files)
