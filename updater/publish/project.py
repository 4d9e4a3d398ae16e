"""release.toml: what a publisher releases, with which keys, seen by whom.

Rules. The file is written by people and read strictly: a word that is unknown is a slip
of the pen. Public halves of keys lie beside it, so that whoever signs elsewhere hands
over nothing secret. Format: docs/formats/publisher.md.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from updater import jcs, shape
from updater.errors import MalformedError
from updater.jcs import Json
from updater.offer.product import Product, check_probe
from updater.publish.lint import CODES
from updater.publish.roles import Setup, Signers
from updater.sigstore import identity
from updater.transparency.addresses import Address
from updater.transparency.honour import TrustSet, read_set
from updater.transparency.key import Kind, VerifierKey, parse_vkey
from updater.transparency.policy import Group, Log, Policy, Witness, format_policy
from updater.transparency.rebuilders import Operator, RebuildPolicy
from updater.transparency.trust import ROLES, Role, RoleName, Trust, format_trust
from updater.tuf import layout

MAX_BYTES: Final = 256 << 10
"""Of the file: hundreds of keys, with comments."""
SCHEMA: Final = "ringfence-release/1"
QUORUM: Final = "quorum"
"""The group of all witnesses, in the policy that is made from the file."""

_NAME: Final = re.compile("[a-z][a-z0-9-]{0,62}")
_PROJECT: Final = re.compile("pkg:[a-z]+/[A-Za-z0-9._/-]{1,200}")
_MODULE: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62}){0,7}")
_TEXT: Final = re.compile("[ -~]{0,500}")
_URL: Final = re.compile("[a-z]{2,5}://[!-~]{0,500}/")
_ORIGIN: Final = re.compile("[!-*,-~]{1,200}")
_PLACE: Final = re.compile("/[ -~]{1,500}")
_MOST: Final = 64
_POLICY, _ROOT = "sigstore.json", "trusted_root.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What release.toml says; keys are names, and `keys` says where each one is."""

    product: Product
    channel: str
    repositories: tuple[str, ...]
    places: tuple[str, ...]
    source: str
    origin: str
    log_key: str
    contact: str
    witnesses: tuple[Witness, ...]
    addresses: Mapping[str, Address]
    quorum: int
    roles: Mapping[str, tuple[int, tuple[str, ...]]]
    claims: Mapping[RoleName, tuple[int, tuple[str, ...]]]
    keys: Mapping[str, str]
    times: Mapping[str, int]
    requires_sigstore: bool
    rebuilders: RebuildPolicy
    waived: tuple[str, ...]

    def names(self) -> list[str]:
        """Name every key that has an office."""
        found = [self.log_key]
        for _, names in (*self.roles.values(), *self.claims.values()):
            found += names
        return list(dict.fromkeys(found))


def parse_project(data: bytes) -> Project:
    """Read release.toml.

    Raises:
        MalformedError: it is none, or a part of it has no meaning.
    """
    if len(data) > MAX_BYTES:
        raise MalformedError(f"release.toml: expected at most {MAX_BYTES} bytes")
    try:
        value: Json = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"release.toml: {error}") from None
    top = shape.record(
        value,
        "release.toml",
        ("channel", "claims", "keys", "log", "product", "repositories", "roles",
         "schema", "trust"),
        ("operator", "places", "rebuild", "waive", "witness"),
    )  # fmt: skip
    shape.one_of(top["schema"], "schema", SCHEMA)
    product = shape.record(
        top["product"], "product",
        ("module", "name", "project", "source"), ("confirms", "launcher", "probe"),
    )  # fmt: skip
    log = shape.record(top["log"], "log", ("key", "origin"), ("contact", "quorum"))
    trust = shape.record(top["trust"], "trust", (*TIMES, "requires_sigstore"))
    witnesses = [_witness(each) for each in _list(top, "witness")]
    return Project(
        product=_product(product),
        channel=shape.text(top["channel"], "channel", _NAME),
        repositories=_texts(top["repositories"], "repositories", _URL),
        places=_texts(top.get("places", []), "places", _PLACE),
        source=shape.text(product["source"], "source", _TEXT),
        origin=shape.text(log["origin"], "origin", _ORIGIN),
        log_key=shape.text(log["key"], "log key", _NAME),
        contact=shape.text(log.get("contact", ""), "contact", _TEXT),
        witnesses=tuple(each for each, _ in witnesses),
        addresses={each.name: address for each, address in witnesses},
        quorum=shape.integer(log.get("quorum", len(witnesses)), "quorum", most=_MOST),
        roles={name: _office(each, name) for name, each in _table(top, "roles")},
        claims={
            name: _office(each, name)
            for name in ROLES
            for found, each in _table(top, "claims")
            if found == name
        },
        keys={
            shape.text(name, "keys", _NAME): shape.text(uri, name, _TEXT)
            for name, uri in _table(top, "keys")
        },
        times={name: shape.integer(trust[name], name) for name in TIMES},
        requires_sigstore=shape.flag(trust["requires_sigstore"], "requires_sigstore"),
        rebuilders=_rebuilders(top),
        waived=tuple(
            shape.one_of(each, "waive", *CODES) for each in _list(top, "waive")
        ),
    )


def build_setup(
    project: Project, publics: Mapping[str, bytes], sigstore: Mapping[str, bytes]
) -> Setup:
    """Make what a repository begins with.

    Args:
        project: the file.
        publics: DER SubjectPublicKeyInfo by the name of the key.
        sigstore: ``sigstore.json`` and ``trusted_root.json``, or nothing; the first is
            written by people, and may have spaces that the trust file has not.

    Raises:
        MalformedError: a key is missing or of a kind that its office cannot have, or a
            file is missing or none.
        RefusedError: the witness policy protects nobody.
    """
    log = VerifierKey(project.origin, Kind.LOG, public=_raw(publics, project.log_key))
    return Setup(
        product=project.product,
        roles={
            name: Signers(count, tuple(_public(publics, each) for each in names))
            for name, (count, names) in project.roles.items()
        },
        trust=build_trust(project, publics, sigstore),
        log=log,
        contact=project.contact,
        witnesses=project.addresses,
    )


def build_trust(
    project: Project, publics: Mapping[str, bytes], sigstore: Mapping[str, bytes]
) -> TrustSet:
    """Make the trust files: who may claim what, and who must have seen it.

    Raises:
        MalformedError, RefusedError: as `build_setup`.
    """
    log = VerifierKey(project.origin, Kind.LOG, public=_raw(publics, project.log_key))
    policy = Policy(
        logs=(Log(log),),
        witnesses=project.witnesses,
        groups=(
            Group(
                QUORUM,
                project.quorum,
                members=tuple(each.name for each in project.witnesses),
            ),
        ),
        quorum=QUORUM,
    )
    vacant = (1, ())
    trust = Trust(
        project=project.product.project,
        roles={
            name: Role(count, tuple(_raw(publics, each) for each in names))
            for name in ROLES
            for count, names in [project.claims.get(name, vacant)]
        },
        rebuilders=project.rebuilders,
        cooldown_group=None,
        requires_sigstore=project.requires_sigstore,
        cooldown_normal_s=project.times["cooldown_normal_s"],
        cooldown_security_s=project.times["cooldown_security_s"],
        fresh_warn_s=project.times["fresh_warn_s"],
        fresh_refuse_s=project.times["fresh_refuse_s"],
        policy_delay_s=project.times["policy_delay_s"],
    )
    files = {"policy": format_policy(policy), "trust.json": format_trust(trust)}
    return read_set(files | _sigstore(project, sigstore))


def template(name: str, project: str, *, is_small: bool = False) -> str:
    """Write a first release.toml, for people to go on with.

    With `is_small` each office has one key, which a project may begin with; what that
    costs is waived by name.
    """
    offices = {each: layout.role(each) for each in _OFFICES}
    counts = {
        each: (1, 1) if is_small else (role.threshold, role.keys)
        for each, role in offices.items()
    }
    claims = {
        each: (1, 1) if is_small else (1 if each == "yank" else 2, 3) for each in ROLES
    }
    lines = [_HEAD.format(name=name, schema=SCHEMA)]
    if is_small:
        lines.append('waive = ["root-threshold"]   # one key replaces all others\n')
    lines.append(_BODY.format(name=name, project=project))
    for each, (count, total) in counts.items():
        lines.append(_office_text(f"roles.{each}", each, count, total))
    for each, (count, total) in claims.items():
        lines.append(_office_text(f"claims.{each}", f"claim-{each}", count, total))
    lines.append("[keys]   # sealed:FILE, plain:FILE or hsm:MODULE?token=…&label=…")
    every = counts | {f"claim-{each}": count for each, count in claims.items()}
    for each, (_, total) in every.items():
        lines += [f'{key} = "sealed:keys/{key}.key"' for key in _key_names(each, total)]
    lines.append('log = "sealed:keys/log.key"\n')
    return "\n".join(lines)


TIMES: Final = (
    "cooldown_normal_s", "cooldown_security_s", "fresh_warn_s", "fresh_refuse_s",
    "policy_delay_s",
)  # fmt: skip
_OFFICES: Final = (
    *(each.name for each in layout.TOP),
    *("trust", "claims", "channels", "releases"),
)
_HEAD: Final = """\
# What is released, by which keys, seen by whom. Format: docs/formats/publisher.md
schema = "{schema}"
channel = "stable"
repositories = ["https://updates.example/{name}/"]   # where clients find public/
places = []                                          # folders to upload to as well"""
_BODY: Final = """\
[product]
name = "{name}"
project = "{project}"
module = "{name}.main"          # its function run() is the program
probe = ["--version"]           # with this it shows that it starts
confirms = false                # true if it calls updater.install.proving by itself
source = "https://git.example/{name}"

[log]
origin = "bt.example/{name}/1"
key = "log"
contact = ""
# quorum = 3                    # of the witnesses below; all of them if not given

# One table for each witness; three at the least, each of another operator.
# [[witness]]
# name = "w1"
# vkey = "w1.example/bt+…"
# submission = "https://w1.example"
# monitoring = "https://w1.example"

# Who builds your releases again; with "report" updates do not wait for them.
# [rebuild]
# mode = "enforce"
# threshold = 2                 # of the operators below, you not counted
# [[operator]]
# name = "anna"
# keys = ["…"]                  # what 'ringfence rebuild keygen' shows

[trust]
cooldown_normal_s = 604800      # a week in public before anybody installs
cooldown_security_s = 86400
fresh_warn_s = 604800
fresh_refuse_s = 2592000
policy_delay_s = 259200
requires_sigstore = false
"""


def _office_text(table: str, name: str, threshold: int, total: int) -> str:
    keys = ", ".join(f'"{each}"' for each in _key_names(name, total))
    return f"[{table}]\nthreshold = {threshold}\nkeys = [{keys}]\n"


def _key_names(name: str, total: int) -> list[str]:
    return [f"{name}-{number}" for number in range(1, total + 1)]


def _product(found: dict[str, Json]) -> Product:
    name = shape.text(found["name"], "name", _NAME)
    probe = _texts(found.get("probe", ["--version"]), "probe", _TEXT)
    return Product(
        name=name,
        project=shape.text(found["project"], "project", _PROJECT),
        module=shape.text(found["module"], "module", _MODULE),
        probe=check_probe(probe, "probe"),
        launcher_name=shape.text(found.get("launcher", name), "launcher", _NAME),
        confirms=shape.flag(found.get("confirms", False), "confirms"),
    )


def _witness(value: Json) -> tuple[Witness, Address]:
    found = shape.record(
        value, "witness", ("name", "vkey"), ("monitoring", "submission")
    )
    name = shape.text(found["name"], "witness", _NAME)
    vkey = found["vkey"]
    if not isinstance(vkey, str):
        raise MalformedError(f"witness {name}: expected a vkey")
    prefixes = [
        shape.text(found[each], each, _TEXT) if each in found else None
        for each in ("submission", "monitoring")
    ]
    return Witness(name, parse_vkey(vkey)), Address(*prefixes)


def _rebuilders(top: dict[str, Json]) -> RebuildPolicy:
    found = shape.record(
        top.get("rebuild", {}),
        "rebuild",
        (),
        ("environments", "level", "max_age_days", "mode", "threshold", "veto"),
    )
    mode = shape.one_of(found.get("mode", "report"), "mode", "report", "enforce")
    return RebuildPolicy(
        is_enforced=mode == "enforce",
        threshold=shape.integer(found.get("threshold", 1), "threshold", least=1),
        veto_quorum=shape.integer(found.get("veto", 1), "veto", least=1),
        min_environments=shape.integer(found.get("environments", 1), "environments"),
        min_level=shape.integer(found.get("level", 0), "level", most=2),
        max_age_days=shape.integer(found.get("max_age_days", 90), "max_age_days"),
        operators=tuple(_operator(each) for each in _list(top, "operator")),
    )


def _operator(value: Json) -> Operator:
    found = shape.record(value, "operator", ("keys", "name"), ("publisher",))
    return Operator(
        shape.text(found["name"], "operator", _NAME),
        tuple(
            shape.unbase64(each, "operator key", size=32)
            for each in shape.items(found["keys"], "operator keys", least=1, most=8)
        ),
        is_publisher=shape.flag(found.get("publisher", False), "publisher"),
    )


def _office(value: Json, name: str) -> tuple[int, tuple[str, ...]]:
    found = shape.record(value, name, ("keys", "threshold"))
    keys = _texts(found["keys"], f"{name} keys", _NAME)
    count = shape.integer(found["threshold"], f"{name} threshold", least=1)
    if count > len(keys):
        raise MalformedError(f"{name}: {count} of {len(keys)} keys can never sign")
    return count, keys


def _sigstore(project: Project, files: Mapping[str, bytes]) -> dict[str, bytes]:
    missing = {_POLICY, _ROOT} - files.keys()
    if missing and (files or project.requires_sigstore):
        raise MalformedError(f"sigstore: expected {min(missing)} beside release.toml")
    if not files:
        return {}
    policy = jcs.write(jcs.parse(files[_POLICY], most=2 * identity.MOST_BYTES))
    identity.parse_policy(policy)
    return {**files, _POLICY: policy}


def _table(top: dict[str, Json], name: str) -> list[tuple[str, Json]]:
    return list(shape.fields(top[name], name, ()).items())


def _list(top: dict[str, Json], name: str) -> list[Json]:
    return shape.items(top.get(name, []), name, most=_MOST)


def _texts(value: Json, where: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
    listed = shape.items(value, where, most=_MOST)
    return tuple(shape.text(each, where, pattern) for each in listed)


def _public(publics: Mapping[str, bytes], name: str) -> bytes:
    if name not in publics:
        raise MalformedError(f"key {name}: its public half is not here")
    return publics[name]


def _raw(publics: Mapping[str, bytes], name: str) -> bytes:
    key = load_der_public_key(_public(publics, name))
    if not isinstance(key, Ed25519PublicKey):
        raise MalformedError(f"key {name}: expected Ed25519 for claims and logs")
    return key.public_bytes_raw()
