import pytest

from reproducible.errors import InputError, RecipeError, UnsupportedError
from reproducible.fetch.simple import Offered
from reproducible.pypi.choice import (
    Pair,
    Release,
    choose,
    files_of,
    is_pure,
    parse_release,
    passed_over,
)

WHEEL = "tally-1.0-py3-none-any.whl"
SDIST = "tally-1.0.tar.gz"


def offered(name: str, uploaded: int | None = 5) -> Offered:
    return Offered(name, "https://x.example", size=1, sha256="", uploaded=uploaded)


def test_a_release_is_a_name_and_a_version() -> None:
    assert str(parse_release("zope.interface==7.0b1")) == "zope.interface==7.0b1"


@pytest.mark.parametrize(
    "text", ["", "tally", "tally==", "tally>=1.0", "tally==one", "tally==1.0\n"]
)
def test_what_is_no_release_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="expected NAME==VERSION"):
        parse_release(text)


def test_files_are_those_of_the_version_however_it_is_spelt() -> None:
    names = [WHEEL, SDIST, "tally-1.1.tar.gz", "tally.tar.gz", "tally-1.0.whl"]

    found = files_of(map(offered, names), Release("tally", "1.0.0"))

    assert [each.name for each in found] == [WHEEL, SDIST]


def test_files_of_another_project_are_not_of_the_release() -> None:
    names = ["evil-1.0-py3-none-any.whl", "evil-1.0.tar.gz", "Tally-1.0.tar.gz"]

    found = files_of(map(offered, names), Release("TALLY", "1.0"))

    assert [each.name for each in found] == ["Tally-1.0.tar.gz"]


def test_of_several_builds_the_one_that_is_installed_is_chosen() -> None:
    names = ["tally-1.0-9-py3-none-any.whl", "tally-1.0-10-py3-none-any.whl"]
    pair = choose(map(offered, [WHEEL, *names, SDIST]))

    assert pair.wheel.name == "tally-1.0-10-py3-none-any.whl"


def test_a_version_that_is_not_there_is_no_verdict() -> None:
    with pytest.raises(InputError, match=r"tally==2\.0: the index has no wheel"):
        files_of([offered(WHEEL)], Release("tally", "2.0"))


def test_the_wheel_of_python_3_is_chosen() -> None:
    old = offered("tally-1.0-py2-none-any.whl")
    pair = choose([old, offered(WHEEL), offered(SDIST)])

    assert pair.wheel.name == WHEEL


def test_a_wheel_can_be_named() -> None:
    old = offered("tally-1.0-py2-none-any.whl")
    pair = choose([old, offered(WHEEL), offered(SDIST)], old.name)

    assert pair.wheel == old


def test_a_named_wheel_that_is_not_there_is_no_verdict() -> None:
    with pytest.raises(InputError, match="no such file"):
        choose([offered(SDIST)], WHEEL)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ([SDIST], "no-wheel"),
        ([WHEEL], "no-sdist"),
        (["tally-1.0-cp311-cp311-linux_x86_64.whl", SDIST], "platform-wheel"),
    ],
    ids=["no-wheel", "no-sdist", "platform-wheel"],
)
def test_what_is_not_rebuilt_is_said(names: list[str], reason: str) -> None:
    with pytest.raises(UnsupportedError) as refused:
        choose(map(offered, names))

    assert refused.value.reason == reason


def test_a_pair_was_there_once_both_were() -> None:
    assert Pair(offered(WHEEL, 7), offered(SDIST, 5)).uploaded == 7
    assert Pair(offered(WHEEL, None), offered(SDIST, 5)).uploaded is None


def test_a_wheel_of_an_abi_is_not_pure() -> None:
    assert is_pure("a-1-py2.py3-none-any.whl")
    assert not is_pure("a-1-cp311-abi3-any.whl")


NATIVE = ["tally-1.0-cp313-cp313-win32.whl", "tally-1.0-cp312-cp312-win32.whl"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        (NATIVE[:1], f"not looked at: {NATIVE[0]}, which"),
        (NATIVE, f"not looked at: {NATIVE[1]} and 1 more, which"),
    ],
    ids=["none", "one", "two"],
)
def test_other_wheels_of_a_release_are_named(names: list[str], said: str) -> None:
    files = tuple(map(offered, [WHEEL, SDIST, *names]))

    assert passed_over(files, files[0]).startswith(said)
    assert bool(passed_over(files, files[0])) == bool(said)
