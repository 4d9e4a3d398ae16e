"""Sigstore at the command line of a publisher, against a private instance."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import main
from tests.cli.shops import TOML, Shop, opened
from updater.keyfile import format_plain_key
from updater.publish.keyring import spki
from updater.publish.vouching import usual_hint
from updater.sigstore import rekor
from updater.sigstore.identity import (
    Identity,
    SigstorePolicy,
    format_policy,
    parse_policy,
)
from updater.testing.certificates import new_key
from updater.testing.sigstore_lab import ISSUER, ORIGIN, SUBJECT, SigstoreLab

KEY = new_key()
_JOBS = ("GITHUB_ACTIONS", "BUILDKITE", "GITLAB_CI", "CIRCLECI")  # who would answer


@pytest.fixture(scope="module")
def lab() -> Iterator[SigstoreLab]:
    with SigstoreLab(time.time) as served:  # the library reads that clock itself
        yield served


@pytest.fixture
def shop(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lab: SigstoreLab
) -> Iterator[Shop]:
    """A shop whose clients ask for Sigstore; its policy is written by hand."""
    policy = SigstorePolicy(
        (Identity(ISSUER, SUBJECT.replace("v1.4.0", "{tag}")),),
        {usual_hint(spki(KEY)): spki(KEY)},
        logs={lab.rekor.key_id: ORIGIN},
    )
    written = json.dumps(json.loads(format_policy(policy)), indent=2).encode()
    files = {"sigstore.json": written, "trusted_root.json": lab.trusted_root()}
    text = TOML.replace("requires_sigstore = false", "requires_sigstore = true")
    (tmp_path / "config.json").write_bytes(lab.trust_config())
    with opened(tmp_path, capsys, text=text, files=files) as made:
        yield made


def descriptor(text: str) -> str:
    """Give the number of a descriptor that a text can be read from."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as file:
        file.write(text)
    return str(reading)


def key_file(folder: Path) -> str:
    path = folder / "ci.key"
    path.write_bytes(format_plain_key(KEY))
    path.chmod(0o600)
    return f"plain:{path}"


def config(shop: Shop) -> list[str]:
    return ["--trust-config", str(shop.folder / "config.json")]


def test_a_token_vouches_and_our_own_client_takes_the_release(
    shop: Shop, lab: SigstoreLab
) -> None:
    token = descriptor(lab.token() + "\n")
    bundle = shop.bundle("1.4.0")
    codes = [
        shop.run("build", "--bundle", bundle, "--token-fd", token, *config(shop)),
        shop.run("publish"),
    ]

    assert codes == [0, 0]
    assert list((shop.folder / "pub/public").rglob("*.tar.sigstore.json"))


def test_what_was_signed_elsewhere_is_taken_along(shop: Shop) -> None:
    bundle = shop.bundle("1.4.0")
    signed = ["--sigstore", f"{bundle}.sigstore.json"]
    key = ["--key", key_file(shop.folder)]
    codes = [
        main(["release", "sigstore", bundle, *key, *config(shop)]),
        shop.run("build", "--bundle", bundle, *signed),
        shop.run("publish"),
    ]

    assert codes == [0, 0, 0]


def test_nobody_who_vouches_is_no_release(shop: Shop) -> None:
    code = shop.run("build", "--bundle", shop.bundle("1.4.0"))

    assert (code, "ask for a Sigstore bundle, and none came" in shop.said) == (1, True)


def test_a_stranger_is_found_out_before_anything_is_drafted(
    shop: Shop, lab: SigstoreLab
) -> None:
    token = descriptor(lab.token("eve@lab.example"))
    bundle = ["--bundle", shop.bundle("1.4.0")]

    code = shop.run("build", *bundle, "--token-fd", token, *config(shop))

    assert (code, "sigstore: identity: expected" in shop.said) == (1, True)


def test_a_bundle_of_another_name_is_a_slip(shop: Shop) -> None:
    bundle = ["--bundle", shop.bundle("1.4.0")]

    code = shop.run("build", *bundle, "--sigstore", "other.tar.sigstore.json")

    assert (code, "no bundle of this release is other.tar" in shop.said) == (64, True)


def sigstore(folder: Path, *options: str) -> int:
    file = folder / "file"
    file.write_bytes(b"a file")
    return main(["release", "sigstore", str(file), *options])


def test_a_hint_is_written_as_given(tmp_path: Path, lab: SigstoreLab) -> None:
    (tmp_path / "config.json").write_bytes(lab.trust_config())
    named = ["--key", key_file(tmp_path), "--hint", "release-2026"]

    sigstore(tmp_path, *named, "--trust-config", str(tmp_path / "config.json"))

    assert rekor.read((tmp_path / "file.sigstore.json").read_bytes()).hint == (
        "release-2026"
    )


def test_a_bundle_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file.sigstore.json").touch()

    code = sigstore(tmp_path, "--key", key_file(tmp_path))

    assert (code, "there is one already" in capsys.readouterr().err) == (1, True)


def test_a_machine_without_identity_says_so(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for job in _JOBS:
        monkeypatch.delenv(job, raising=False)

    code = sigstore(tmp_path, "--oidc")

    assert (code, "give --token-fd" in capsys.readouterr().err) == (69, True)


def test_services_that_are_away_can_be_asked_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lab: SigstoreLab
) -> None:
    away = lab.trust_config().replace(lab.url.encode(), b"http://127.0.0.1:1")
    (tmp_path / "config.json").write_bytes(away)
    key = ["--key", key_file(tmp_path)]

    code = sigstore(tmp_path, *key, "--trust-config", str(tmp_path / "config.json"))

    assert (code, "error: sigstore: " in capsys.readouterr().err) == (75, True)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ([], "who signs?"),
        (["--trust-config", "config.json"], "who signs?"),
        (["--oidc", "--key", "plain:ci.key"], "give one of"),
        (["--oidc", "--hint", "ci"], "--hint names the key of --key"),
        (["--token-fd", "987"], "descriptor 987: Bad file descriptor"),
    ],
)
def test_a_slip_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], why: str
) -> None:
    code = sigstore(tmp_path, *options)

    assert (code, why in capsys.readouterr().err) == (64, True)


@pytest.mark.parametrize("token", ["", "\n", "t" * (16 << 10 | 1), "é"])
def test_what_is_no_token_is_not_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], token: str
) -> None:
    code = sigstore(tmp_path, "--token-fd", descriptor(token))

    assert (code, "expected a token of at most" in capsys.readouterr().err) == (
        64,
        True,
    )


def test_other_trust_files_are_announced(shop: Shop, lab: SigstoreLab) -> None:
    path = shop.folder / "pub/sigstore.json"
    before = shop.run("trust")
    path.write_bytes(lab.policy())

    code = shop.run("trust")

    found = (shop.folder / "pub/public/targets/trust").glob("*.sigstore.json")
    assert (before, code, "in force after their time" in shop.said) == (1, 0, True)
    assert {} in [parse_policy(each.read_bytes()).keys for each in found]
