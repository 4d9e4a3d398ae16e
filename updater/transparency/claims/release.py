"""A release: these files are this version, built from this source.

The statement's subject is every platform's file. Beyond the shape of its fields a
release names each file and each platform once, and its package URL ends in its
version. Format: docs/formats/claims.md.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, cast

from updater import shape
from updater.errors import MalformedError
from updater.jcs import Json
from updater.statement import FILE, MAX_SUBJECTS, Statement, Subject
from updater.transparency.claims import parts
from updater.transparency.claims.parts import BASE, Ref

TYPE: Final = f"{BASE}release/v1"

Severity = Literal["normal", "security"]

PLATFORM: Final = re.compile(r"[a-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One platform's file.

    Attributes:
        name: the file's name, without a folder.
        sha256: of its bytes, lower hexadecimal.
        size: in bytes.
        platform: what it runs on.
        sigstore: SHA-256 of its Sigstore bundle, None if it has none.
    """

    name: str
    sha256: str
    size: int
    platform: str
    sigstore: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What was built: a commit of 40 or 64 hexadecimal digits, where, and its tag."""

    repository: str
    commit: str
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How it was built: SHA-256 of recipe, lock file and image, and the one time.

    Attributes:
        source_date_epoch: the time that the build was given, POSIX seconds.
    """

    recipe: str
    lock: str
    image: str
    source_date_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The signed list of files (a TUF role) that the artifacts stand in."""

    role: str
    version: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseClaim:
    """These files are this version of a project.

    Attributes:
        project: package URL without the version, `pkg:pypi/ringfence`.
        previous: the project's preceding release entry, of any channel.
        notes: SHA-256 of the release notes, None if there are none.
    """

    project: str
    version: str
    channel: str
    severity: Severity
    artifacts: tuple[Artifact, ...]
    source: Source
    build: Build
    metadata: Metadata
    previous: Ref | None
    notes: str | None = None

    @property
    def purl(self) -> str:
        """The package URL of this very version."""
        return f"{self.project}@{self.version}"

    @property
    def subject(self) -> tuple[Subject, ...]:
        """The files, as the statement names them."""
        return tuple(Subject(each.name, each.sha256) for each in self.artifacts)


def parse_release(statement: Statement) -> ReleaseClaim:
    """Read a release out of a statement of its type.

    Raises:
        MalformedError: a field is missing, wrong or one too many, or they disagree.
    """
    said = shape.record(
        statement.predicate,
        "release",
        (
            "artifacts",
            "build",
            "channel",
            "metadata",
            "previous",
            "purl",
            "severity",
            "source",
            "version",
        ),
        ("notes",),
    )
    version = shape.text(said["version"], "version", parts.VERSION)
    purl = shape.text(said["purl"], "purl", parts.PURL)
    project = purl.removesuffix(f"@{version}")
    if project == purl or not parts.PURL.fullmatch(project):
        raise MalformedError(f"purl: expected it to end in @{version}, came {purl!r}")
    severity = shape.one_of(said["severity"], "severity", "normal", "security")
    return ReleaseClaim(
        project=project,
        version=version,
        channel=shape.text(said["channel"], "channel", parts.WORD),
        severity=cast("Severity", severity),  # `one_of` has looked
        artifacts=_artifacts(said["artifacts"], statement.subject),
        source=_source(said["source"]),
        build=_build(said["build"]),
        metadata=_metadata(said["metadata"]),
        previous=(
            None
            if said["previous"] is None
            else parts.ref(said["previous"], "previous")
        ),
        notes=parts.optional_text(said, "notes", "release", shape.SHA256),
    )


def _artifacts(value: Json, subject: tuple[Subject, ...]) -> tuple[Artifact, ...]:
    listed = shape.items(value, "artifacts", least=1, most=MAX_SUBJECTS)
    if len(listed) != len(subject):
        raise MalformedError(
            f"artifacts: expected the {len(subject)} of the subject, came {len(listed)}"
        )
    artifacts = tuple(
        _artifact(each, named) for each, named in zip(listed, subject, strict=True)
    )
    # Else one claim alone could give two files for one version and platform.
    for what, kinds in (
        ("name", {each.name for each in artifacts}),
        ("platform", {each.platform for each in artifacts}),
    ):
        if len(kinds) != len(artifacts):
            raise MalformedError(f"artifacts: expected each {what} once")
    return artifacts


def _artifact(value: Json, named: Subject) -> Artifact:
    artifact = shape.record(value, "artifact", ("name", "platform", "sigstore", "size"))
    name = shape.text(artifact["name"], "name", parts.NAME)
    if name != named.name:
        raise MalformedError(f"artifact: expected {named.name!r}, came {name!r}")
    sigstore = artifact["sigstore"]
    return Artifact(
        name=name,
        sha256=named.sha256,
        size=shape.integer(artifact["size"], "size"),
        platform=shape.text(artifact["platform"], "platform", PLATFORM),
        sigstore=(
            None if sigstore is None else shape.text(sigstore, "sigstore", shape.SHA256)
        ),
    )


def _source(value: Json) -> Source:
    source = shape.record(value, "source", ("commit", "repository", "tag"))
    return Source(
        repository=shape.text(source["repository"], "repository", parts.URI),
        commit=shape.text(source["commit"], "commit", parts.COMMIT),
        tag=shape.text(source["tag"], "tag", FILE),
    )


def _build(value: Json) -> Build:
    build = shape.record(value, "build", ("image", "lock", "recipe", "sourceDateEpoch"))
    return Build(
        recipe=shape.text(build["recipe"], "recipe", shape.SHA256),
        lock=shape.text(build["lock"], "lock", shape.SHA256),
        image=shape.text(build["image"], "image", shape.SHA256),
        source_date_epoch=shape.integer(build["sourceDateEpoch"], "sourceDateEpoch"),
    )


def _metadata(value: Json) -> Metadata:
    metadata = shape.record(value, "metadata", ("role", "sha256", "version"))
    return Metadata(
        role=shape.text(metadata["role"], "role", parts.WORD),
        version=shape.integer(metadata["version"], "version"),
        sha256=shape.text(metadata["sha256"], "sha256", shape.SHA256),
    )


def format_release(claim: ReleaseClaim) -> Statement:
    """Write a release as `parse_release` reads it."""
    predicate: dict[str, Json] = {
        "artifacts": [
            {
                "name": each.name,
                "platform": each.platform,
                "sigstore": each.sigstore,
                "size": each.size,
            }
            for each in claim.artifacts
        ],
        "build": {
            "image": claim.build.image,
            "lock": claim.build.lock,
            "recipe": claim.build.recipe,
            "sourceDateEpoch": claim.build.source_date_epoch,
        },
        "channel": claim.channel,
        "metadata": {
            "role": claim.metadata.role,
            "sha256": claim.metadata.sha256,
            "version": claim.metadata.version,
        },
        "previous": None if claim.previous is None else parts.ref_json(claim.previous),
        "purl": claim.purl,
        "severity": claim.severity,
        "source": {
            "commit": claim.source.commit,
            "repository": claim.source.repository,
            "tag": claim.source.tag,
        },
        "version": claim.version,
    }
    if claim.notes is not None:
        predicate["notes"] = claim.notes
    return Statement(TYPE, claim.subject, predicate=predicate)
