"""What several kinds of claim are made of: names, digests, places in a log.

Format: docs/formats/claims.md; the same as a JSON Schema is
updater/transparency/schemas/statement.json.
"""

import re
from dataclasses import dataclass
from typing import Final

from updater import shape
from updater.errors import MalformedError
from updater.jcs import Json
from updater.statement import FILE

BASE: Final = "https://ringfence.example/bt/"
"""What the types of our predicates begin with."""

# Compiled without `$`, which also matches before a last newline; `shape.text` matches
# the whole string.
NAME: Final = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._+-]{0,199}")
WORD: Final = re.compile("[a-z][a-z0-9-]{0,31}")
VERSION: Final = re.compile("[0-9][0-9A-Za-z.+!-]{0,63}")
PURL: Final = re.compile("pkg:[!-~]{1,250}")
URI: Final = re.compile("[a-z][a-z0-9+.-]*:[!-~]{1,500}")
ORIGIN: Final = re.compile("[!-*,-~]{1,200}")
TEXT: Final = re.compile("(?s:.{0,500})")
COMMIT: Final = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_SHA512: Final = re.compile("[0-9a-f]{128}")

HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Ref:
    """An entry of the log that is meant: its leaf hash counts, its index is a hint.

    Attributes:
        index: where the entry is said to stand, from 0.
        leaf_hash: 32 bytes.
    """

    index: int
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """A log at one size: its origin, its size in entries, its root of 32 bytes."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A file or source by digest, in-toto's resource descriptor; one digest at least.

    Digests are lower hexadecimal, `git_commit` of 40 or 64 digits.
    """

    sha256: str | None = None
    sha512: str | None = None
    git_commit: str | None = None
    name: str | None = None
    uri: str | None = None


def ref(value: Json, where: str) -> Ref:
    """Expect a place in the log.

    Raises:
        MalformedError: it is something else.
    """
    found = shape.record(value, where, ("index", "leafHash"))
    return Ref(
        shape.integer(found["index"], f"{where} index"),
        bytes.fromhex(shape.text(found["leafHash"], f"{where} leafHash", shape.SHA256)),
    )


def ref_json(place: Ref) -> dict[str, Json]:
    """Write a place as `ref` reads it."""
    return {"index": place.index, "leafHash": place.leaf_hash.hex()}


def head(value: Json, where: str) -> Head:
    """Expect a log at one size.

    Raises:
        MalformedError: it is something else.
    """
    found = shape.record(value, where, ("origin", "rootHash", "size"))
    return Head(
        shape.text(found["origin"], f"{where} origin", ORIGIN),
        shape.integer(found["size"], f"{where} size"),
        shape.unbase64(found["rootHash"], f"{where} rootHash", size=HASH_BYTES),
    )


def head_json(at: Head) -> dict[str, Json]:
    """Write a head as `head` reads it."""
    return {
        "origin": at.origin,
        "rootHash": shape.base64_text(at.root),
        "size": at.size,
    }


_DIGESTS: Final = {"gitCommit": COMMIT, "sha256": shape.SHA256, "sha512": _SHA512}


def resource(value: Json, where: str) -> Resource:
    """Expect a resource with at least one digest.

    Raises:
        MalformedError: it is something else.
    """
    found = shape.record(value, where, ("digest",), ("name", "uri"))
    digest = shape.record(found["digest"], f"{where} digest", (), _DIGESTS)
    if not digest:
        raise MalformedError(f"{where} digest: expected at least one, came none")
    digests = {
        kind: shape.text(text, f"{where} {kind}", _DIGESTS[kind])
        for kind, text in digest.items()
    }
    return Resource(
        sha256=digests.get("sha256"),
        sha512=digests.get("sha512"),
        git_commit=digests.get("gitCommit"),
        name=optional_text(found, "name", where, FILE),
        uri=optional_text(found, "uri", where, URI),
    )


def resource_json(described: Resource) -> dict[str, Json]:
    """Write a resource as `resource` reads it."""
    return present(
        {
            "digest": present(
                {
                    "gitCommit": described.git_commit,
                    "sha256": described.sha256,
                    "sha512": described.sha512,
                }
            ),
            "name": described.name,
            "uri": described.uri,
        }
    )


def optional_text(
    found: dict[str, Json], key: str, where: str, pattern: re.Pattern[str]
) -> str | None:
    """Expect the text of a key that may be absent; None is never its spelling.

    Raises:
        MalformedError: it is there and something else.
    """
    return shape.text(found[key], f"{where} {key}", pattern) if key in found else None


def present(found: dict[str, Json]) -> dict[str, Json]:
    """Leave out the keys whose value is absent."""
    return {key: value for key, value in found.items() if value is not None}
