"""What people are shown who are asked to sign."""

from updater.publish.differences import differences
from updater.publish.rolefile import Listed, RoleFile
from updater.publish.roles import Signers

ONE, OTHER = Listed(1, "a" * 64), Listed(2, "b" * 64)


def test_files_that_come_go_and_change() -> None:
    old = RoleFile(
        kind="targets", version=1, expires=0, files={"a": ONE, "b": ONE, "c": ONE}
    )
    new = RoleFile(
        kind="targets", version=2, expires=0, files={"b": OTHER, "c": ONE, "d": ONE}
    )

    assert differences(old, new) == [
        "version 1 -> 2",
        "- a",
        f"! b 2 bytes, sha256 {'b' * 64}",
        f"+ d 1 bytes, sha256 {'a' * 64}",
    ]


def test_signers_that_change() -> None:
    old = {
        "root": Signers(1, (b"x",)),
        "kept": Signers(1, (b"k",)),
        "gone": Signers(1, ()),
    }
    new = {"root": Signers(2, (b"y", b"z")), "kept": Signers(1, (b"k",))}

    assert differences(
        RoleFile(kind="root", version=1, expires=0, signers=old),
        RoleFile(kind="root", version=2, expires=0, signers=new),
    ) == [
        "version 1 -> 2",
        "- role gone",
        "! role root: 2 of 2 keys, 2 new, 1 gone",
    ]


def test_a_first_version_is_all_new() -> None:
    new = RoleFile(
        kind="root", version=1, expires=0, signers={"root": Signers(1, (b"x",))}
    )

    assert differences(None, new)[1:] == ["! role root: 1 of 1 keys, 1 new, 0 gone"]
