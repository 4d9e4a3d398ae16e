"""A state is written over what it was made from, or not at all."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.updater.transparency.memories import memory, state
from updater.errors import BusyError, FetchError, StoreError
from updater.files import Files
from updater.transparency.state import Kept
from updater.transparency.statefile import MAX_BYTES
from updater.transparency.store import TRIES, Store


def store(folder: Path, pause: Callable[[float], None] = lambda _: None) -> Store:
    return Store(folder, files=Files(), entropy=bytes, pause=pause)


def test_a_new_state_has_a_salt_and_nothing_else(tmp_path: Path) -> None:
    fresh = store(tmp_path / "log").load()

    assert (fresh.salt, fresh.rev, fresh.logs) == (bytes(32), 0, ())
    assert not (tmp_path / "log").exists()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    written = store(tmp_path).swap(state())

    assert written.rev == 8
    assert store(tmp_path).load() == written


def test_who_was_overtaken_writes_nothing(tmp_path: Path) -> None:
    store(tmp_path).swap(state())
    newer = store(tmp_path).change(lambda each: replace(each, installed=None))

    with pytest.raises(BusyError, match="another process changed it"):
        store(tmp_path).swap(state())
    assert store(tmp_path).load() == newer


def test_a_tree_that_would_shrink_is_not_written(tmp_path: Path) -> None:
    store(tmp_path).swap(state())
    smaller = replace(memory(), history=memory().history[:1])

    with pytest.raises(StoreError, match="would become smaller"):
        store(tmp_path).change(lambda each: each.with_memory(smaller))


def test_a_state_that_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    store(tmp_path).swap(state())
    large = replace(memory(), learned=(bytes([65]) * MAX_BYTES,))

    with pytest.raises(StoreError, match="bytes, over"):
        store(tmp_path).change(lambda each: each.with_memory(large))
    assert store(tmp_path).load().logs == state().logs


def test_an_unreadable_state_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_bytes(b"{")

    with pytest.raises(StoreError, match="not JSON"):
        store(tmp_path).load()


def test_an_unreadable_state_can_be_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_bytes(b"{")
    store(tmp_path).reset()

    assert store(tmp_path).load().rev == 0


def test_a_lock_is_waited_for_but_not_for_ever(tmp_path: Path) -> None:
    pauses: list[float] = []
    with (
        Files().lock(tmp_path / "lock"),
        pytest.raises(BusyError, match="another process holds it"),
    ):
        store(tmp_path, pauses.append).swap(state())

    assert len(pauses) == TRIES - 1


def test_evidence_is_kept_by_its_name(tmp_path: Path) -> None:
    name = store(tmp_path).save_evidence(b"{}")

    assert store(tmp_path).evidence_names() == [name]
    assert store(tmp_path).read_evidence(name) == b"{}"


def test_evidence_that_made_way_is_removed(tmp_path: Path) -> None:
    local, proof = (store(tmp_path).save_evidence(each) for each in (b"{}", b"[]"))
    kept = (Kept(local, "local"), Kept(proof, "fork"))
    store(tmp_path).swap(replace(state(), evidence=kept))

    store(tmp_path).change(lambda each: replace(each, evidence=kept[1:]))

    assert store(tmp_path).evidence_names() == [proof]


def test_without_a_folder_there_is_no_evidence(tmp_path: Path) -> None:
    assert store(tmp_path / "none").evidence_names() == []


def test_a_trust_file_is_fetched_once(tmp_path: Path) -> None:
    name = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    asked: list[str] = []

    def fetch(sha256: str) -> bytes:
        asked.append(sha256)
        return b"{}"

    for _ in range(2):
        assert store(tmp_path).trust_file(name, fetch) == b"{}"
    assert asked == [name]


def test_a_trust_file_that_was_changed_is_fetched_again(tmp_path: Path) -> None:
    name = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    store(tmp_path).trust_file(name, lambda _: b"{}")
    (tmp_path / "honoured" / name).write_bytes(b"[]")

    assert store(tmp_path).trust_file(name, lambda _: b"{}") == b"{}"


def test_a_wrong_trust_file_is_not_kept(tmp_path: Path) -> None:
    def silent(sha256: str) -> bytes:
        raise FetchError("unreachable", f"{sha256}: nobody answers")

    store(tmp_path).trust_file("00" * 32, lambda _: b"{}")

    with pytest.raises(FetchError):
        store(tmp_path).trust_file("00" * 32, silent)
