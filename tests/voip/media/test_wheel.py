import ctypes

import pytest

from voip.media.wheel import find_library


@pytest.mark.parametrize("name", ["vpx", "opus"])
def test_a_library_of_the_wheel_is_found_and_loads(name: str) -> None:
    found = find_library(name)

    assert found is not None
    assert name in found
    ctypes.CDLL(found)


def test_one_of_the_system_is_found_by_name() -> None:
    assert find_library("c") is not None


def test_a_library_that_is_nowhere_is_not_found() -> None:
    assert find_library("ringfence-has-none") is None
