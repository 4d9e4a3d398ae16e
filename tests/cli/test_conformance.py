"""The client that public suites drive, as they drive it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cli.main import main
from tests.updater.laboratory import (
    ARTIFACT,
    HINT,
    OTHER,
    key,
    lab,
    signed,
    signed_with_key,
)
from tests.updater.repositories import TufRepository
from updater.testing.certificates import new_key
from updater.testing.hostile import HostileServer
from updater.testing.sigstore_lab import ISSUER, SUBJECT

Said = Callable[[], str]
CHANNEL = "channels/stable.json"


class Suite:
    """A repository that is served, and our client as a suite runs it."""

    def __init__(self, folder: Path, server: HostileServer) -> None:
        # The client judges expiry by the real clock, as the suites have it.
        self.repository = TufRepository(now=time.time())
        self.repository.add(CHANNEL, b"{}", "channels")
        self.repository.publish("channels")
        self.served = folder / "served"
        self.metadata, self.targets = folder / "metadata", folder / "targets"
        self.targets.mkdir()
        self.server = server
        self.write()

    def write(self) -> None:
        self.repository.write(self.served)

    def run(self, *arguments: str) -> int:
        return main(
            [
                *("conformance", "tuf", "--metadata-dir", str(self.metadata)),
                *("--metadata-url", f"{self.server.url}metadata"),
                *arguments,
            ]
        )

    def init(self) -> int:
        root = self.served / "metadata" / "1.root.json"
        return self.run("init", str(root))

    def download(self, *names: str) -> int:
        wanted = [part for name in names for part in ("--target-name", name)]
        return self.run(
            *wanted,
            *("--target-base-url", f"{self.server.url}targets/"),
            *("--target-dir", str(self.targets), "download"),
        )


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Give what the program said of a no; a crash of ours is a no as well."""
    return lambda: capsys.readouterr().err


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Suite]:
    (tmp_path / "served").mkdir()
    with HostileServer(tmp_path / "served") as server:
        yield Suite(tmp_path, server)


def test_a_root_is_trusted_without_asking_anybody(suite: Suite) -> None:
    assert suite.init() == 0
    assert suite.server.asked == []


def test_metadata_is_kept_byte_for_byte(suite: Suite) -> None:
    suite.init()

    assert suite.run("refresh") == 0
    for name, kept in {
        "timestamp.json": "timestamp.json",
        "1.root.json": "root.json",
        f"{suite.repository.snapshot.version}.snapshot.json": "snapshot.json",
        f"{suite.repository.targets.version}.targets.json": "targets.json",
    }.items():
        served = suite.repository.files[f"metadata/{name}"]
        assert (suite.metadata / kept).read_bytes() == served


def test_a_refresh_before_a_root_is_a_no(suite: Suite, said: Said) -> None:
    assert suite.run("refresh") == 1
    assert "root.json: No such file" in said()


def test_metadata_that_is_not_signed_is_a_no(suite: Suite, said: Said) -> None:
    suite.init()
    suite.repository.signers["timestamp"] = []
    suite.repository.sign_timestamp()
    suite.write()

    assert suite.run("refresh") == 1
    assert "timestamp was signed by 0/1 keys" in said()


def test_a_server_that_is_gone_is_a_no(suite: Suite, said: Said) -> None:
    suite.init()
    suite.server.url = "http://127.0.0.1:1/"

    assert suite.run("refresh") == 1
    assert "refused" in said()


def test_a_file_is_fetched_once(suite: Suite) -> None:
    suite.init()

    assert suite.download(CHANNEL) == 0
    assert (suite.targets / "channels%2Fstable.json").read_bytes() == b"{}"
    suite.server.asked.clear()
    assert suite.download(CHANNEL) == 0
    assert not [each for each in suite.server.asked if "targets" in each.path]


def test_the_first_file_that_is_not_listed_ends_it(suite: Suite, said: Said) -> None:
    suite.init()

    assert suite.download("channels/beta.json", CHANNEL) == 1
    assert list(suite.targets.iterdir()) == []
    assert "'channels/beta.json' is not listed" in said()


def test_wrong_usage_is_a_no_as_well(suite: Suite, said: Said) -> None:
    assert suite.run("fetch") == 1
    assert "No such command" in said()


def test_help_is_no_verdict(suite: Suite) -> None:
    assert suite.run("refresh", "--help") == 0


def verify(tmp_path: Path, bundle: bytes, *arguments: str, digest: bytes = b"") -> int:
    (tmp_path / "bundle").write_bytes(bundle)
    (tmp_path / "root").write_bytes(lab().trusted_root())
    return main(
        [
            *("conformance", "sigstore", "verify-bundle"),
            *("--bundle", str(tmp_path / "bundle")),
            *("--trusted-root", str(tmp_path / "root")),
            *arguments,
            f"sha256:{(digest or ARTIFACT).hex()}",
        ]
    )


def named(subject: str = SUBJECT, issuer: str = ISSUER) -> list[str]:
    return [
        *("--certificate-identity", subject),
        *("--certificate-oidc-issuer", issuer),
    ]


def pem(tmp_path: Path) -> list[str]:
    form = PublicFormat.SubjectPublicKeyInfo
    public = key().public_key().public_bytes(Encoding.PEM, form)
    (tmp_path / "key.pem").write_bytes(public)
    return ["--key", str(tmp_path / "key.pem")]


def test_a_bundle_of_the_named_identity_is_a_yes(tmp_path: Path) -> None:
    assert verify(tmp_path, signed(), *named()) == 0


def test_a_file_does_for_its_digest(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a file")
    verify(tmp_path, signed(), *named())
    code = main(
        [
            *("conformance", "sigstore", "verify-bundle", *named()),
            *("--bundle", str(tmp_path / "bundle")),
            *("--trusted-root", str(tmp_path / "root")),
            str(tmp_path / "file"),
        ]
    )

    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (named(subject=SUBJECT[:-1]), "sigstore: identity: "),
        (named(issuer=ISSUER + "/"), "sigstore: issuer: "),
        (named()[:2], "give --key, or "),
        ([], "give --key, or "),
    ],
)
def test_another_identity_or_none_is_a_no(
    tmp_path: Path, said: Said, arguments: list[str], reason: str
) -> None:
    assert verify(tmp_path, signed(), *arguments) == 1
    assert reason in said()


def test_another_file_is_a_no(tmp_path: Path, said: Said) -> None:
    assert verify(tmp_path, signed(), *named(), digest=OTHER) == 1
    assert "sigstore: digest: " in said()


def test_a_bundle_of_the_named_key_is_a_yes(tmp_path: Path) -> None:
    assert verify(tmp_path, signed_with_key(), *pem(tmp_path)) == 0


def test_a_bundle_of_another_key_is_a_no(tmp_path: Path, said: Said) -> None:
    bundle = lab().sign_with_key(ARTIFACT, new_key(), HINT)

    assert verify(tmp_path, bundle, *pem(tmp_path)) == 1
    assert "sigstore: body: " in said()


def test_without_a_trusted_root_the_public_instances_counts(
    tmp_path: Path, said: Said
) -> None:
    (tmp_path / "bundle").write_bytes(signed())
    code = main(
        [
            *("conformance", "sigstore", "verify-bundle", *named(), "--staging"),
            *("--bundle", str(tmp_path / "bundle")),
            f"sha256:{ARTIFACT.hex()}",
        ]
    )

    assert code == 1
    assert "sigstore: origin: " in said()


def test_a_bug_of_ours_is_a_no_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key.pem").write_bytes(b"no key")

    assert verify(tmp_path, signed(), "--key", str(tmp_path / "key.pem")) == 1
    assert "Traceback" in capsys.readouterr().err


def test_the_command_is_not_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])

    assert "conformance" not in capsys.readouterr().out
