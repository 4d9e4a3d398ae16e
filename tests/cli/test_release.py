"""A publisher at the command line."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cli.main import main
from reproducible.record.buildinfo import (
    Buildinfo,
    BuiltFile,
    BuiltFrom,
    Epoch,
    Python,
    Runtime,
    Walls,
    format_buildinfo,
)
from tests.cli.shops import PLATFORM, Shop, opened
from tests.updater.wheels import small_wheels
from updater.publish.folder import PublisherFolder
from updater.statement import Envelope, format_envelope, parse_statement
from updater.transparency.claims import release


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Shop]:
    with opened(tmp_path, capsys) as made:
        yield made


def test_two_releases_a_yank_and_a_pause(shop: Shop) -> None:
    codes = [
        shop.run("build", "--bundle", shop.bundle("1.0"), "--at-once"),
        shop.run("publish"),
        shop.run("build", "--bundle", shop.bundle("1.1")),
        shop.run("publish"),
        shop.run("publish", "--pause", "stable"),
        shop.run("publish", "--resume", "stable"),
        shop.run("yank", "1.1", "--reason", "broken"),
        shop.run("refresh"),
        shop.run("status", "--json"),
    ]

    facts = [json.loads(line) for line in shop.said.splitlines() if line[0] == "{"]
    assert codes == [0] * len(codes)
    assert {"root", "timestamp"} <= {each.get("role") for each in facts}
    assert [each["paused"] for each in facts if "channel" in each] == [True]
    assert [each["ageSeconds"] < 60 for each in facts if "log" in each] == [True]
    assert (shop.folder / "pub/anchor/anchor.json").exists()


def test_what_is_waived_is_said_each_time(shop: Shop) -> None:
    shop.run("build", "--bundle", shop.bundle("1.0"))
    shop.run("publish")

    assert "note: waived: root-threshold" in shop.said


def test_a_key_that_is_elsewhere_signs_there(shop: Shop) -> None:
    key = shop.folder / "pub/keys/releases-1.key"
    elsewhere = key.rename(shop.folder / "anna.key")
    out = shop.folder / "out"
    codes = [
        shop.run("build", "--bundle", shop.bundle("1.0")),
        shop.run("publish"),
        shop.run("sign", "--export", str(out)),
    ]
    exported = shop.said
    codes.append(
        main(
            [
                *("release", "sign-file", str(out / "releases.json")),
                *("--key", f"plain:{elsewhere}"),
            ]
        )
    )
    codes.append(shop.run("sign", "--import", str(out / "releases.json")))
    codes.append(shop.run("publish"))

    assert codes == [0, 3, 3, 0, 0, 0]
    assert "+ releases/1.0/" in exported


def test_a_status_says_who_may_install(shop: Shop) -> None:
    shop.run("build", "--bundle", shop.bundle("1.0"))
    shop.run("publish")

    shop.run("status")

    assert " s ago; clients warn after 7 d\n" in shop.said
    assert "\nchannel stable: 1.0, open to nobody yet, more in " in shop.said


def test_what_was_drafted_can_be_dropped(shop: Shop) -> None:
    shop.run("build", "--bundle", shop.bundle("1.0"))

    code = shop.run("publish", "--drop")

    assert (code, "versions it signed stay used" in shop.said) == (0, True)


def test_a_rotation_is_announced_first(shop: Shop) -> None:
    toml = shop.folder / "pub/release.toml"
    text = toml.read_text().replace('keys = ["timestamp-1"]', 'keys = ["timestamp-2"]')
    toml.write_text(
        text.replace("[keys]", '[keys]\ntimestamp-2 = "plain:keys/t2.key"', 1)
    )
    shop.run("key", "--insecure-plain-key")

    code = shop.run("rotate", "timestamp")

    assert (code, "announced, and not before 20" in shop.said) == (3, True)


def test_wheels_are_made_into_a_bundle(shop: Shop) -> None:
    paths = []
    for name, data in small_wheels(version="2.0").items():
        path = shop.folder / name
        path.write_bytes(data)
        paths += ["--wheel", str(path)]

    code = shop.run("build", *paths, "--platform", PLATFORM)

    assert (code, f"app-2.0-{PLATFORM}.tar" in shop.said) == (0, True)


def built(shop: Shop, sha256: str = "") -> Path:
    """Leave a bundle behind as a build does; gives the folder."""
    folder = shop.folder / "built"
    folder.mkdir()
    bundle = Path(shop.bundle("1.0")).rename(folder / f"app-1.0-{PLATFORM}.tar")
    data = bundle.read_bytes()
    output = BuiltFile(
        bundle.name,
        "bundle",
        size=len(data),
        sha256=sha256 or hashlib.sha256(data).hexdigest(),
    )
    info = Buildinfo(
        recipe_sha256="a" * 64,
        source=BuiltFrom(kind="tree", commit="b" * 40),
        tools=(),
        python=Python("CPython", "3.12.1", build="main"),
        runtime=Runtime(arch="x86_64", os="Linux", kernel="6", libc="glibc", zlib="1"),
        sandbox=Walls(level=1, tool="bwrap", probe="no-network"),
        env={},
        umask=0o022,
        epoch=Epoch(1, "commit"),
        started=0x60000000,
        finished=0x60000000,
        outputs=(replace(output, name="words.whl", kind="wheel"), output),
        log_sha256="c" * 64,
    )
    (folder / "buildinfo.json").write_bytes(format_buildinfo(info))
    return folder


def lock_of(shop: Shop) -> str:
    """Give the toolchain lock that the drafted claim names."""
    journal = PublisherFolder(shop.folder / "pub").journal()
    assert journal.change is not None
    assert journal.change.claim is not None
    claim = release.parse_release(parse_statement(journal.change.claim))
    return claim.build.lock


def test_what_a_build_left_is_released_with_the_lock_of_what_built_it(
    shop: Shop,
) -> None:
    folder = built(shop)
    (folder / "pylock.build.toml").write_bytes(b"lock")

    code = shop.run("build", "--from", str(folder))

    assert (code, lock_of(shop)) == (0, hashlib.sha256(b"lock").hexdigest())


def test_the_lock_of_what_built_it_may_lie_elsewhere(shop: Shop) -> None:
    lock = shop.folder / "lock"
    lock.write_bytes(b"tools")

    folder = built(shop)
    code = shop.run("build", "--from", str(folder), "--toolchain-lock", str(lock))

    assert (code, lock_of(shop)) == (0, hashlib.sha256(b"tools").hexdigest())


def test_a_bundle_of_elsewhere_may_come_with_the_lock_of_what_built_it(
    shop: Shop,
) -> None:
    lock = shop.folder / "lock"
    lock.write_bytes(b"tools")

    bundle = shop.bundle("1.0")
    code = shop.run("build", "--bundle", bundle, "--toolchain-lock", str(lock))

    assert (code, lock_of(shop)) == (0, hashlib.sha256(b"tools").hexdigest())


def test_what_a_build_left_is_not_released_without_the_lock_of_what_built_it(
    shop: Shop,
) -> None:
    code = shop.run("build", "--from", str(built(shop)))

    assert (code, "expected pylock.build.toml there" in shop.said) == (1, True)


def test_what_changed_since_it_was_built_is_not_released(shop: Shop) -> None:
    code = shop.run("build", "--from", str(built(shop, sha256="d" * 64)))

    assert (code, "as built, came" in shop.said) == (1, True)


def test_a_folder_without_a_bundle_is_no_release(shop: Shop) -> None:
    folder = built(shop)
    (shop.folder / "pub/release.toml").write_text(
        (shop.folder / "pub/release.toml").read_text().replace('"app"', '"other"', 1)
    )

    code = shop.run("build", "--from", str(folder))

    assert (code, "expected a bundle of other, found none" in shop.said) == (1, True)


@pytest.mark.parametrize(
    ("payload", "shown"), [("\u202e2.1".encode(), "\\u202e2.1"), (b"\xff", "\\xff")]
)
def test_what_somebody_sends_to_be_signed_is_shown_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], payload: bytes, shown: str
) -> None:
    file = tmp_path / "claim.json"
    file.write_bytes(format_envelope(Envelope(payload)))
    main(["release", "sign-file", str(file), "--key", "sealed:none.key"])

    assert shown in capsys.readouterr().out.splitlines()
