"""What a repository begins with."""

import pytest

from tests.updater.publish.projects import setup
from updater.errors import MalformedError


def test_the_archive_is_signed_as_releases_are() -> None:
    assert setup().signers("archive") == setup().signers("releases")


def test_operators_stand_before_claims() -> None:
    assert setup().delegated == (
        "trust",
        "rebuild-anna",
        "claims",
        "channels",
        "releases",
        "archive",
    )


def test_a_role_that_nobody_signs_is_an_error() -> None:
    with pytest.raises(MalformedError, match="nobody signs the role 'root'"):
        setup(roles={}).signers("root")
