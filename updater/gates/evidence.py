"""Everything that was gathered about one release before it is decided on.

Each field is a value, or a `Failed` that says why there is none. Nothing in here was
believed yet: the gates do that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn, TypeVar

from updater.archive.bundle import Manifest
from updater.findings import NO_FACTS, Failed, Refusal, Severity
from updater.installed.slots import Times
from updater.jcs import Json
from updater.offer.channel import Channel
from updater.offer.product import Product
from updater.sigstore.identity import SigstoreFacts
from updater.transparency.claims.release import Artifact, ReleaseClaim
from updater.transparency.entry import Entry
from updater.transparency.policy import Policy
from updater.transparency.proof import LogProof
from updater.transparency.view import LogView
from updater.tuf.layout import SignedFile, Target

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the user asked for this time."""

    version: str | None = None
    """A version by name; it may be one that was skipped before."""
    is_by_hand: bool = False
    """Whether a person asked; waves are for checks that run by themselves."""
    ignores_pause: bool = False
    retries_bad: bool = False
    break_glass: str | None = None
    """Why the cooldown is not waited for, in the user's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tightening:
    """What the user asks for beyond the signed trust files; it can only refuse more."""

    cooldown_s: int = 0
    rebuild_threshold: int | None = None
    peers: int = 0
    """Contacts who must have agreed on a log that covers the release."""
    policy: Policy | None = None
    """A second witness policy, which must be met too."""
    waits_for_last_wave: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """What is installed on this machine, and what is remembered of it."""

    product: Product
    channel: str
    platform: str
    seed: bytes = field(repr=False)
    """Decides over waves; never leaves the machine."""
    current: str | None
    """The version that runs, None before the first install."""
    floor: str | None
    """The highest version that this machine ever had; no update goes below it."""
    bad: frozenset[str] = frozenset()
    """Slots that failed here."""
    skip: frozenset[str] = frozenset()
    """Versions that the user went back from."""
    pending: str | None = None
    """A slot that has not proved itself yet."""
    times: Times
    accepted: frozenset[str] = frozenset()
    """SHA-256 of the TUF root and targets known when the running version was built."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The artifact on disk, read once from end to end."""

    path: str
    size: int
    sha256: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Vouched:
    """A Sigstore bundle, and what the library found true of it."""

    bundle: bytes = field(repr=False)
    facts: SigstoreFacts


@dataclass(frozen=True, slots=True)
class Linked:
    """A checkpoint of which the accepted one was shown to be a continuation."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that the gates look at. `now` is the local clock, POSIX seconds."""

    now: float
    wish: Wish
    tightening: Tightening
    here: Here
    metadata: Mapping[str, SignedFile] | Failed
    """The verified TUF files, by role."""
    channel: Channel | Failed
    target: Target | Failed
    """The artifact as TUF lists it."""
    artifact: Stored | Failed
    claim: Entry | Failed
    sigstore: Vouched | Failed | None
    """None where the honoured trust files do not ask for one."""
    proof: LogProof | Failed
    link: Linked | Failed
    """The checkpoint in `proof`, held against the accepted one by tiles."""
    log: LogView | Failed
    rebuilds: tuple[tuple[bytes, int | None], ...] | Failed
    """Statements about the artifact: leaf, and index in the log or None."""
    manifest: Manifest | Failed

    def have_release(self) -> ReleaseClaim:
        """Give the claim, if it is one of a release.

        Raises:
            NoError: it is missing, or of another kind.
        """
        claim = have(self.claim, "claim-form").claim
        if not isinstance(claim, ReleaseClaim):
            no("claim-form", f"expected a release, came {type(claim).__name__}")
        return claim

    def have_row(self) -> Artifact:
        """Give the row of the claim that is about this platform.

        Raises:
            NoError: there is none.
        """
        platform = self.here.platform
        rows = self.have_release().artifacts
        row = next((each for each in rows if each.platform == platform), None)
        if row is None:
            no("claim-mismatch", f"the claim names no file for {platform}")
        return row


class NoError(Exception):
    """A gate's no, on its way to the one place that collects them."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


def have(value: _Value | Failed, code: str) -> _Value:
    """Give a piece of evidence that a gate cannot do without.

    Raises:
        NoError: it could not be gathered.
    """
    if isinstance(value, Failed):
        raise NoError(value.refusal(code))
    return value


def no(
    code: str,
    text: str,
    severity: Severity = Severity.REFUSED,
    facts: Mapping[str, Json] = NO_FACTS,
) -> NoReturn:
    """Refuse."""
    raise NoError(Refusal(severity, code, text, facts=facts))
