"""Products: the names of a program and of its releases."""

import platform
import sys

import pytest

from updater.errors import MalformedError
from updater.offer.product import (
    PLATFORM,
    RINGFENCE,
    check_probe,
    interpreter_tag,
    platform_tag,
)


def test_a_bundle_is_named_by_product_version_and_platform() -> None:
    assert (
        RINGFENCE.target("1.4.0", "cp311-linux-x86_64")
        == "releases/1.4.0/ringfence-1.4.0-cp311-linux-x86_64.tar"
    )


def test_the_platform_of_this_machine_has_the_form_of_a_platform() -> None:
    assert PLATFORM.fullmatch(platform_tag(sys.version_info.minor, platform.machine()))


def test_a_machine_is_written_in_lower_case() -> None:
    assert platform_tag(12, "AMD64") == "cp312-linux-amd64"


def test_the_tag_of_an_interpreter_begins_a_platform() -> None:
    assert interpreter_tag("cp311-linux-x86_64") == "cp311"


def test_a_probe_reaches_the_program() -> None:
    with pytest.raises(MalformedError, match="--self-test is the launcher's own"):
        check_probe(("--self-test",), "probe")

    assert check_probe(RINGFENCE.probe, "probe") == RINGFENCE.probe
