"""Exit codes are an interface: the table for users is the table of the program."""

import re

import pytest

from cli.codes import Code, DiskError, judge
from reproducible import errors as rebuilds
from tests.io_map import CHECKOUT
from updater import errors as updates
from voip.errors import (
    CallError,
    CertificateError,
    KeyReuseError,
    MissingError,
    NoEncryptionError,
    NotAllowedError,
    PassphraseError,
    RollbackError,
    StoreError,
    TrustError,
    UnexpectedEventError,
    UnreachableError,
)


def test_the_document_lists_every_code_and_no_other() -> None:
    table = (CHECKOUT / "docs" / "exit-codes.md").read_text()

    assert [int(code) for code in re.findall(r"(?m)^\| (\d+) \|", table)] == list(Code)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CertificateError("x"), Code.REFUSED),
        (TrustError("x"), Code.DISTRUST),
        (RollbackError("x"), Code.DISTRUST),
        (StoreError("x"), Code.STORE),
        (PassphraseError("x"), Code.STORE),
        (NoEncryptionError("x"), Code.NO_ENCRYPTION),
        (NotAllowedError("x"), Code.NOT_ALLOWED),
        (MissingError("x"), Code.MISSING),
        (UnreachableError("x"), Code.UNREACHABLE),
    ],
)
def test_each_family_of_errors_has_its_code(error: CallError, code: Code) -> None:
    verdict = judge(error)

    assert verdict is not None
    assert verdict.code is code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (updates.ProofError("x"), Code.REFUSED),
        (updates.NotYetError("x"), Code.NOT_YET),
        (updates.MisbehaviourError("x", b""), Code.MISBEHAVIOUR),
        (updates.StoreError("x"), Code.STORE),
        (updates.MissingError("x"), Code.MISSING),
        (updates.BusyError("x"), Code.UNREACHABLE),
        (updates.FetchError("slow", "x"), Code.UNREACHABLE),
    ],
)
def test_each_family_of_errors_of_an_update_has_its_code(
    error: updates.UpdateError, code: Code
) -> None:
    verdict = judge(error)

    assert verdict is not None
    assert verdict.code is code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (rebuilds.SourceError("x"), Code.OTHER_SOURCE),
        (rebuilds.UnsupportedError("no-sdist", "x"), Code.UNSUPPORTED),
        (rebuilds.BuildFailedError("exit", "x"), Code.BUILD_FAILED),
        (rebuilds.RecipeError("x"), Code.USAGE),
        (rebuilds.NoWallError("x"), Code.MISSING),
        (rebuilds.MissingError("x"), Code.MISSING),
        (DiskError("x"), Code.MISSING),
        (rebuilds.InputError("x"), Code.UNREACHABLE),
    ],
)
def test_each_family_of_errors_of_a_rebuild_has_its_code(
    error: rebuilds.RebuildError, code: Code
) -> None:
    verdict = judge(error)

    assert verdict is not None
    assert verdict.code is code


@pytest.mark.parametrize("error", [UnexpectedEventError("x"), KeyReuseError("x")])
def test_an_error_no_user_can_cause_is_our_bug(error: CallError) -> None:
    assert judge(error) is None
