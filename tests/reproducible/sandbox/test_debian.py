import pytest

from reproducible.inputs.rootlock import RootPackage
from reproducible.sandbox.debian import packages_of
from updater.errors import MalformedError

STATUS = """Package: zlib1g
Status: install ok installed
Architecture: amd64
Version: 1:1.2.13
Description: a library
 Version: of no interest

Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2-1

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1
"""
INDEX = """Package: bash
Version: 5.2-1
Architecture: amd64
SHA256: aa

Package: bash
Version: 5.3-1
Architecture: amd64
SHA256: bb

Package: zlib1g
Version: 1:1.2.13
Architecture: amd64
SHA256: cc
"""


def test_what_is_installed_is_listed_by_name_with_its_hash() -> None:
    assert packages_of(STATUS, INDEX) == (
        RootPackage("bash", "5.2-1", arch="amd64", sha256="aa"),
        RootPackage("zlib1g", "1:1.2.13", arch="amd64", sha256="cc"),
    )


def test_a_package_from_elsewhere_is_refused() -> None:
    with pytest.raises(
        MalformedError, match=r"zlib1g 1:1\.2\.13: expected it in the index"
    ):
        packages_of(STATUS, INDEX.replace("zlib1g", "other"))


def test_a_paragraph_without_a_field_is_refused() -> None:
    with pytest.raises(MalformedError, match="expected a field SHA256, found none"):
        packages_of(STATUS, INDEX.replace("SHA256: aa", ""))


def test_an_empty_list_is_of_nothing() -> None:
    assert packages_of("\n", "") == ()
