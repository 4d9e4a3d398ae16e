import threading
from collections.abc import Iterator

import pytest

from voip.media.video.guarded import LEFT, Guard


@pytest.fixture
def guard() -> Iterator[Guard]:
    guard = Guard()
    yield guard
    guard.leave()


def test_what_is_done_gives_its_result(guard: Guard) -> None:
    assert guard.do(lambda: 7) == 7


def test_all_is_done_on_one_thread_that_is_not_ours(guard: Guard) -> None:
    threads = {guard.do(threading.current_thread) for _ in range(3)}

    assert len(threads) == 1
    assert threads.isdisjoint({threading.current_thread()})


def test_what_it_raises_is_raised_here(guard: Guard) -> None:
    with pytest.raises(ZeroDivisionError):
        guard.do(lambda: 1 // 0)


def test_what_never_ends_is_left_and_named_so(guard: Guard) -> None:
    forever = threading.Event()
    with pytest.raises(TimeoutError):
        guard.do(forever.wait, within=0.01)
    names = {thread.name for thread in threading.enumerate()}
    forever.set()  # a real library never does

    assert LEFT in names
