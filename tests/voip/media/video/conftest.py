"""Tests whose encoder stood still meanwhile say so, and nothing else."""

import threading
from collections.abc import Generator

import pytest

from voip.media.video.guarded import LEFT


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    # SVT-AV1 does so about once in a thousand openings, and the one that goes on in its
    # place begins with a key frame, seconds later.
    before = _left_behind()
    try:
        return (yield)
    except AssertionError:
        if _left_behind() == before:
            raise
        pytest.skip("SVT-AV1 stood still during this test")


def _left_behind() -> int:
    return sum(thread.name == LEFT for thread in threading.enumerate())
