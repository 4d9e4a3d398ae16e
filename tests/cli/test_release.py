"""A publisher at the command line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import main
from tests.cli.shops import PLATFORM, Shop, opened
from tests.updater.wheels import small_wheels
from updater.statement import Envelope, format_envelope


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
