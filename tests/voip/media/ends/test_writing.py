"""A thread that writes, and nobody who waits for it longer than a call can bear."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from voip.media.ends.writing import CLOSE_S, Writing

WAIT_S = 30.0  # only a failing test waits this long


class Disk:
    """What was written; nothing before it is `ready`."""

    def __init__(self) -> None:
        self.written: list[int] = []
        self.ready = threading.Event()

    def write(self, items: Iterator[int]) -> None:
        for item in items:
            assert self.ready.wait(WAIT_S)
            self.written.append(item)


def test_what_is_handed_over_is_written_in_order() -> None:
    disk = Disk()
    disk.ready.set()
    writing = Writing[int](disk.write, 100)
    taken = [writing.put(number) for number in range(50)]
    is_done = writing.close(WAIT_S)

    assert (taken, is_done) == ([True] * 50, True)
    assert disk.written == [*range(50)]


def test_what_finds_no_room_is_left_out() -> None:
    disk = Disk()
    writing = Writing[int](disk.write, 3)
    taken = [writing.put(number) for number in range(6)]
    disk.ready.set()
    writing.close(WAIT_S)

    assert taken[:3] == [True] * 3
    assert taken[4:] == [False] * 2  # the first may be in the hands of the thread
    assert disk.written == [*range(sum(taken))]


def test_a_full_queue_is_closed_within_what_a_call_bears_and_written_after() -> None:
    disk = Disk()
    writing = Writing[int](disk.write, 3)
    taken = sum(writing.put(number) for number in range(6))
    began = time.monotonic()
    is_done = writing.close()
    took = time.monotonic() - began
    disk.ready.set()

    assert not is_done
    assert took < 10 * CLOSE_S  # a busy machine; the disk would take for ever
    assert writing.close(WAIT_S)
    assert disk.written == [*range(taken)]


def test_what_comes_after_the_end_is_left_out() -> None:
    disk = Disk()
    writing = Writing[int](disk.write, 3)
    writing.close(WAIT_S)

    assert not writing.put(1)


_PROGRAM = """
import time
from voip.media.ends.writing import Writing

def write(items):
    for item in items:
        time.sleep(0.3)
        print(item, flush=True)

writing = Writing(write, 9)
for number in range(3):
    writing.put(number)
assert not writing.close(0.0)
"""


def test_a_program_that_ends_waits_for_what_is_to_be_written() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["0", "1", "2"]
