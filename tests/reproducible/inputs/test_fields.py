"""Single values of recipes and locks."""

import re
from collections.abc import Callable

import pytest

from reproducible.inputs import fields
from updater.errors import MalformedError
from updater.jcs import Json


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (fields.specifier, ">=3.11,<3.15"),
        (fields.specifier, "==3.12.*"),
        (fields.requirement, "wheel"),
        (fields.requirement, "setuptools[core]>=61; python_version < '3.12'"),
        (fields.path, "a/b c/ü"),
        (fields.folder, "."),
        (fields.folder, "a/b"),
        (fields.absolute, "/build/src"),
        (fields.lock_path, "pylock.toml"),
        (fields.lock_path, "locks/pylock.app-cp312-linux-x86_64.toml"),
    ],
)
def test_a_good_value_is_given_back(
    read: Callable[[Json, str], str], value: str
) -> None:
    assert read(value, "here") == value


@pytest.mark.parametrize(
    ("read", "value", "sentence"),
    [
        (fields.specifier, 3, "a string"),
        (fields.specifier, "", "does not match"),
        (fields.specifier, " ", "does not match"),
        (fields.specifier, "3.12", "a version specifier, came '3.12'"),
        (fields.requirement, "-r other.txt", "does not match"),
        (fields.requirement, "a b", "a requirement, came 'a b'"),
        (fields.requirement, "a @ file:///etc", "no address, came 'a @ file:///etc'"),
        (fields.path, "/a", "without empty parts"),
        (fields.path, "x" * 501, "does not match"),
        (fields.folder, "..", "without empty parts"),
        (fields.absolute, "a", "begin with /, came 'a'"),
        (fields.absolute, "/a/../b", "without empty parts"),
        (fields.lock_path, "pylock.a.b.toml", "no dot in NAME, came 'pylock.a.b.toml'"),
        (fields.lock_path, "poetry.lock", "pylock.toml or"),
        (fields.lock_path, "pylock.toml/x", "pylock.toml or"),
    ],
)
def test_another_value_is_malformed(
    read: Callable[[Json, str], str], value: Json, sentence: str
) -> None:
    with pytest.raises(MalformedError, match=sentence):
        read(value, "here")


@pytest.mark.parametrize(
    ("pattern", "bad"),
    [
        (fields.TAG, "--output=x"),
        (fields.TAG, "v1\n"),
        (fields.BACKEND, "os.system('x')"),
        (fields.BACKEND, "a:b:c"),
        (fields.BACKEND, "é"),
        (fields.PLATFORM, "cp27-linux-x86_64"),
        (fields.UMASK, "022\n"),
        (fields.TZ, "../etc"),
        (fields.LOCALE, "-C"),
        (fields.HOSTNAME, "a-"),
        (fields.REASON, "a\nb"),
    ],
)
def test_a_pattern_leaves_out_what_would_mean_more(
    pattern: re.Pattern[str], bad: str
) -> None:
    assert pattern.fullmatch(bad) is None
