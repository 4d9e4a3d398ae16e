"""The store on disk: private, whole at every moment, and shared by processes."""

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.errors
import pytest

from tests.voip.identity.people import BOB, person
from voip.errors import MissingError, PassphraseError, StoreError
from voip.identity.backup import backup
from voip.identity.contact import Contact, Device
from voip.identity.sealed import Cost
from voip.identity.store import Store, export_backup, import_backup
from voip.identity.trust import first_seen
from voip.identity.unlock import Keyring, Passphrase, keyring_name
from voip.identity.vault import Settings, Vault

CHEAP = Cost(64 << 10, 2, lanes=1)
UNKNOWN = first_seen(0, known_contact=False, number_verified_at=None)
SECRET, OTHER = Passphrase(b"correct horse"), Passphrase(b"battery staple")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a place for a store, whose folder is not there yet."""
    return tmp_path / "home" / "store"


@pytest.fixture
def store(path: Path) -> Store:
    """Make a store."""
    return Store.create(path, person(), SECRET, cost=CHEAP)


def _strict(vault: Vault) -> Vault:
    return replace(vault, settings=Settings(strict=True))


def _marked(vault: Vault, mark: int) -> Vault:
    identity = mark.to_bytes(32, "big")
    return replace(vault, calls=vault.calls.with_stranger(identity, "", mark))


def test_a_store_is_opened_again(store: Store, path: Path) -> None:
    del store

    assert Store.open(path, SECRET).read() == person()


def test_a_change_is_there_for_others(store: Store, path: Path) -> None:
    other = Store.open(path, SECRET)
    changed = store.change(_strict)

    assert other.read() == changed == _strict(person())


def test_a_store_that_was_relocked_opens_with_the_new_passphrase_alone(
    store: Store, path: Path
) -> None:
    store.relock(OTHER, cost=CHEAP)

    assert store.read() == Store.open(path, OTHER).read() == person()
    with pytest.raises(PassphraseError):
        Store.open(path, SECRET)


def test_who_has_it_open_while_it_is_relocked_writes_nothing(
    store: Store, path: Path
) -> None:
    other = Store.open(path, SECRET)
    store.relock(OTHER, cost=CHEAP)

    with pytest.raises(StoreError, match="was given another passphrase; start again"):
        other.change(_strict)
    assert Store.open(path, OTHER).read() == person()


def test_a_relocking_that_fails_changes_nothing(store: Store, path: Path) -> None:
    keyring.set_keyring(_NoRing())
    with pytest.raises(MissingError, match="no usable keyring"):
        store.relock(Keyring())

    assert store.change(_strict) == Store.open(path, SECRET).read()


def test_store_and_folder_are_for_their_owner_alone(store: Store, path: Path) -> None:
    store.change(_strict)
    modes = {
        p.name: oct(p.stat().st_mode & 0o777)
        for p in (path.parent, *path.parent.iterdir())
    }

    assert modes == {"home": "0o700", "store": "0o600", "store.lock": "0o600"}


def test_a_wrong_passphrase_has_one_sentence(store: Store, path: Path) -> None:
    del store

    with pytest.raises(PassphraseError, match="wrong passphrase, or the file is dam"):
        Store.open(path, Passphrase(b"guess"))


def test_a_damaged_file_has_the_same_sentence(store: Store, path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(PassphraseError, match="wrong passphrase, or the file is dam"):
        store.read()


@pytest.mark.parametrize("raw", [b"", b"RFKS\x02", b"\0" * 100])
def test_another_file_is_not_a_store(store: Store, path: Path, raw: bytes) -> None:
    path.write_bytes(raw)

    with pytest.raises(StoreError, match=str(path)):
        store.read()


def test_a_doctored_cost_is_refused(store: Store, path: Path) -> None:
    del store
    raw = path.read_bytes()
    path.write_bytes(raw[:6] + b"\xff" * 4 + raw[10:])

    with pytest.raises(StoreError, match="expected 64 MiB to 1 GiB"):
        Store.open(path, SECRET)


def test_a_file_too_large_is_not_read(store: Store, path: Path) -> None:
    os.truncate(path, (16 << 20) + 1)

    with pytest.raises(StoreError, match="too many"):
        store.read()


def test_what_could_not_be_read_again_is_not_written(store: Store) -> None:
    def stuff(vault: Vault) -> Vault:
        device = Device(b"d" * 16, UNKNOWN, entry=bytes(13 << 20))
        contact = Contact("bob", BOB.public_key(), devices=(device,))
        return replace(vault, contacts=vault.contacts.put(contact))

    with pytest.raises(StoreError, match="too many"):
        store.change(stuff)

    assert store.read() == person()


def test_a_file_others_can_read_is_refused(store: Store, path: Path) -> None:
    path.chmod(0o640)

    with pytest.raises(StoreError, match=r"to be yours alone, .* mode 0640"):
        store.read()


def test_a_folder_others_can_enter_is_refused(store: Store, path: Path) -> None:
    path.parent.chmod(0o755)

    with pytest.raises(StoreError, match=r"to be yours alone, .* mode 0755"):
        store.read()


def test_no_store_is_made_in_a_folder_others_can_enter(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    with pytest.raises(StoreError, match="to be yours alone"):
        Store.create(tmp_path / "store", person(), SECRET, cost=CHEAP)


def test_a_link_is_not_followed(store: Store, path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")

    with pytest.raises(StoreError, match="symbolic links"):
        store.read()


def test_a_store_that_is_not_there_is_missing(path: Path) -> None:
    with pytest.raises(MissingError, match="there is no"):
        Store.open(path, SECRET)


def test_a_store_is_never_written_over(store: Store, path: Path) -> None:
    del store

    with pytest.raises(StoreError, match="exists already"):
        Store.create(path, person(), SECRET, cost=CHEAP)


def test_each_write_has_another_nonce(store: Store, path: Path) -> None:
    nonces = set()
    for mark in range(3):
        store.change(partial(_marked, mark=mark))
        nonces.add(path.read_bytes()[31:43])

    assert len(nonces) == 3


def test_a_change_that_changes_nothing_is_not_written(store: Store, path: Path) -> None:
    before = path.read_bytes()
    store.change(lambda vault: vault)

    assert path.read_bytes() == before


def test_a_change_that_fails_writes_nothing(store: Store, path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError):
        store.change(lambda _: 1 // 0)  # type: ignore[arg-type, return-value]

    assert path.read_bytes() == before


def test_what_a_killed_writer_left_is_cleared_away(store: Store, path: Path) -> None:
    path.with_name("store.new").write_bytes(b"half")
    store.change(_strict)

    assert sorted(p.name for p in path.parent.iterdir()) == ["store", "store.lock"]


def test_a_store_shows_its_path_only(store: Store, path: Path) -> None:
    assert repr(store) == f"Store({str(path)!r})"


def test_a_passphrase_is_not_shown() -> None:
    assert repr(SECRET) == "Passphrase()"


def test_two_threads_at_once_lose_no_change(store: Store) -> None:
    def add(marks: range) -> None:
        for mark in marks:
            store.change(partial(_marked, mark=mark))

    threads = [threading.Thread(target=add, args=(range(i, i + 10),)) for i in (0, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(store.read().calls.strangers) == 20


_WRITER = """
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from voip.identity.store import Store
from voip.identity.unlock import Passphrase

store = Store.open(Path(sys.argv[1]), Passphrase(b"correct horse"))
print("open", flush=True)
sys.stdin.readline()
who = int(sys.argv[2])
for mark in range(int(sys.argv[3])):
    identity = (who << 32 | mark).to_bytes(32, "big")
    store.change(lambda v: replace(v, calls=v.calls.with_stranger(identity, "", mark)))
    print(mark, flush=True)
"""


def _start_writer(path: Path, who: int, marks: int) -> subprocess.Popen[str]:
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path), str(who), str(marks)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "open\n"
    return writer


def _finish(writer: subprocess.Popen[str]) -> list[str]:
    out, _ = writer.communicate()
    return out.splitlines()


def test_two_processes_at_once_lose_no_change(store: Store, path: Path) -> None:
    writers = [_start_writer(path, who, 30) for who in (1, 2)]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        _finish(writer)

    assert len(store.read().calls.strangers) == 60


def _survives(store: Store, path: Path, who: int, after: int) -> None:
    """Kill a writer after some of its changes are on disk, at an arbitrary moment."""
    writer = _start_writer(path, who, 100)
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdin.write("go\n")
    writer.stdin.flush()
    acknowledged = list(itertools.islice(writer.stdout, after))
    writer.send_signal(signal.SIGKILL)
    acknowledged += _finish(writer)
    kept = {stranger.identity for stranger in store.read().calls.strangers}

    assert {(who << 32 | int(m)).to_bytes(32, "big") for m in acknowledged} <= kept


def test_a_killed_writer_leaves_a_whole_store(store: Store, path: Path) -> None:
    for who in range(1, 3):
        _survives(store, path, who, after=3 * who)
        store.change(lambda v: replace(v, calls=replace(v.calls, strangers=())))


_MORTALS = """
import itertools, os, signal, sys
from dataclasses import replace
from pathlib import Path
from voip.identity.store import Store
from voip.identity.unlock import Passphrase
from voip.identity.vault import Settings

store = Store.open(Path(sys.argv[1]), Passphrase(b"correct horse"))

def die_at(left):
    def count(event, args):
        nonlocal left
        if event in {"open", "fcntl.flock", "os.rename", "os.remove"}:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(count)

for event in itertools.count(1):
    child = os.fork()
    if child == 0:
        die_at(event)
        store.change(lambda v: replace(v, settings=Settings(strict=True)))
        os._exit(0)
    _, status = os.wait()
    print(store.read().settings.strict)
    if status == 0:
        break
"""


def test_a_writer_killed_at_any_file_event_leaves_the_old_or_the_new_store(
    store: Store, path: Path
) -> None:
    del store
    command = [sys.executable, "-c", _MORTALS, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    strict = done.stdout.split()

    # Each was killed one file event later than the one before; the last finished.
    assert (len(strict) > 6, sorted(strict) == strict, set(strict)) == (
        True,
        True,
        {"False", "True"},
    )


@pytest.mark.slow
def test_fifty_killed_writers_leave_a_whole_store(store: Store, path: Path) -> None:
    for who in range(1, 51):
        _survives(store, path, who, after=who % 7 + 1)
        store.change(lambda v: replace(v, calls=replace(v.calls, strangers=())))


class _NoRing(keyring.backend.KeyringBackend):
    """A machine without a keyring."""

    priority = 1

    def __init__(self) -> None:
        """Start without the parent's, which has no types."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise keyring.errors.NoKeyringError(service, username, len(password))

    def get_password(self, service: str, username: str) -> str | None:
        raise keyring.errors.NoKeyringError(service, username)

    def delete_password(self, service: str, username: str) -> None:
        raise keyring.errors.NoKeyringError(service, username)


class _MemoryRing(keyring.backend.KeyringBackend):
    """A keyring that forgets everything at the end of the test."""

    priority = 1

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]


@pytest.fixture
def ring() -> Iterator[_MemoryRing]:
    """Stand in for the operating system's keyring, by the library's own means."""
    memory = _MemoryRing()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(_NoRing())


def test_a_keyring_opens_the_store(path: Path, ring: _MemoryRing) -> None:
    Store.create(path, person(), Keyring())
    ((service, _),) = ring.held

    assert (service, Store.open(path, Keyring()).read()) == ("ringfence", person())


@pytest.mark.parametrize(
    ("held", "sentence"), [("!", "no key of ours"), ("", "wrong passphrase")]
)
def test_another_entry_in_the_keyring_does_not_open(
    path: Path, ring: _MemoryRing, held: str, sentence: str
) -> None:
    Store.create(path, person(), Keyring())
    ring.held = dict.fromkeys(ring.held, held)

    with pytest.raises(StoreError, match=sentence):
        Store.open(path, Keyring())


def test_a_relocked_store_leaves_no_key_in_the_keyring(
    path: Path, ring: _MemoryRing
) -> None:
    store = Store.create(path, person(), Keyring())
    store.relock(SECRET, cost=CHEAP)

    assert (ring.held, Store.open(path, SECRET).read()) == ({}, person())


class _KeepingRing(_MemoryRing):
    """A keyring whose user does not let it forget."""

    def delete_password(self, service: str, username: str) -> None:
        raise keyring.errors.PasswordDeleteError(service, username)


def test_a_keyring_that_does_not_forget_hinders_nobody(path: Path) -> None:
    keyring.set_keyring(_KeepingRing())
    store = Store.create(path, person(), Keyring())
    store.relock(SECRET, cost=CHEAP)
    keyring.set_keyring(_NoRing())

    assert store.change(_strict) == Store.open(path, SECRET).read()


def test_a_store_moves_into_the_keyring(
    store: Store, path: Path, ring: _MemoryRing
) -> None:
    store.relock(Keyring())

    assert len(ring.held) == 1
    assert Store.open(path, Keyring()).read() == person()


def test_a_lost_keyring_entry_is_said_to_be(path: Path, ring: _MemoryRing) -> None:
    Store.create(path, person(), Keyring())
    ring.held.clear()

    with pytest.raises(StoreError, match="does not have its key"):
        Store.open(path, Keyring())


def test_a_passphrase_does_not_open_a_keyring_store(
    path: Path, ring: _MemoryRing
) -> None:
    del ring
    Store.create(path, person(), Keyring())

    with pytest.raises(StoreError, match="in the keyring"):
        Store.open(path, SECRET)


def test_the_keyring_does_not_open_a_passphrase_store(store: Store, path: Path) -> None:
    del store

    with pytest.raises(StoreError, match="needs a passphrase"):
        Store.open(path, Keyring())


def test_without_a_keyring_nothing_weaker_is_used(path: Path) -> None:
    keyring.set_keyring(_NoRing())

    with pytest.raises(MissingError, match="no usable keyring"):
        Store.create(path, person(), Keyring())


def test_a_backup_is_read_back(tmp_path: Path) -> None:
    saved = backup(person())
    export_backup(saved, tmp_path / "backup", SECRET, cost=CHEAP)

    assert import_backup(tmp_path / "backup", SECRET) == saved


def test_a_backup_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "backup").touch()

    with pytest.raises(StoreError, match="File exists"):
        export_backup(backup(person()), tmp_path / "backup", SECRET, cost=CHEAP)


def test_a_backup_is_for_its_owner_alone(tmp_path: Path) -> None:
    export_backup(backup(person()), tmp_path / "backup", SECRET, cost=CHEAP)

    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600


def test_a_store_is_not_a_backup(store: Store, path: Path) -> None:
    del store

    with pytest.raises(StoreError, match="expected 'ringfence backup 1'"):
        import_backup(path, SECRET)


def test_a_backup_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="there is no"):
        import_backup(tmp_path / "backup", SECRET)


def test_a_keyring_has_a_name(ring: _MemoryRing) -> None:
    assert keyring_name() == ring.name


def test_the_librarys_stand_in_is_no_keyring() -> None:
    none = keyring.backends.fail.Keyring()  # type: ignore[no-untyped-call] # has no types
    keyring.set_keyring(none)
    with pytest.raises(MissingError, match="no usable keyring"):
        keyring_name()
    keyring.set_keyring(_NoRing())
