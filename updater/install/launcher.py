#!/usr/bin/env -S python3 -I -S
"""Start the version that is installed; stand outside all versions.

A copy of this file lies in the managed folder and is what a user starts. It runs under
whatever `python3` is, from 3.7 on, imports nothing but the standard library, and knows
of the program only what the slot's tree.json says. Which slot runs is the table of
docs/formats/install.md, "A start".

Nothing that goes wrong with the bookkeeping keeps the program from starting. What is
imported within functions takes as long as starting Python, and is rarely needed.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time

TYPE_CHECKING = False  # importing typing takes as long as everything else here
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    State = dict[str, Any]  # as JSON has it: `_read_state` looked at what is used

VERSION = 1
"""Rises with every change; an older copy is replaced, a newer one never."""

CODE = (
    "import sys;_,lib,module,*sys.argv=sys.argv;sys.path.append(lib);"
    "__import__(module);sys.exit(sys.modules[module].run())"
)
"""What the slot's interpreter runs: of a folder, a module, with the arguments."""

FLAGS = ("-I", "-S", "-B")
"""No variable or .pth file of the user changes what runs; no code is written."""

_PLACES = ("/usr/local/bin", "/usr/bin", "/bin")
_MISSING = 69
_DEAD_ATTEMPTS = 2
_MOST_ATTEMPTS = 8
_MOST_BAD = 32
_MOST_BYTES = 64 << 10  # of state.json
_TAIL_BYTES = 2048  # of tree.json, whose last keys are short
_TRIES = 5  # how often a slot may vanish between the choice and its lock


def main() -> int:
    """Run what is installed; does not come back unless there is nothing to run."""
    if sys.argv[1:] == ["--self-test"]:
        return _self_test()
    root = os.path.dirname(os.path.realpath(__file__))
    slot = _proved(root)
    if slot is None or not _hold(root, slot):
        for _ in range(_TRIES):
            slot = _choose(root)
            if slot is None:
                return _say(
                    "expected an installed version, found none", _reinstall(root)
                )
            if _hold(root, slot):
                break
    assert slot is not None
    return _run(root, slot)


def decide(
    state: State | None,
    current: str | None,
    complete: Sequence[str],
    alive: Sequence[object],
) -> tuple[str, str | None]:
    """Say what a start does: ("run" | "count" | "back" | "nothing", slot).

    `state` is None if it cannot be read, written or locked, `current` is None if no
    complete slot is. `complete` has the highest version first.
    """
    if current is None:
        found = _any_slot(state, complete)
        return ("run" if found else "nothing"), found
    if state is None:
        return "run", current
    bad = [each["slot"] for each in state["bad"]]
    pending = state["pending"] == current
    dead = [each for each in state["attempts"] if each not in alive]
    if current in bad or (pending and len(dead) >= _DEAD_ATTEMPTS):
        good = [each for each in complete if each != current and each not in bad]
        if good:
            return "back", state["previous"] if state["previous"] in good else good[0]
    if pending and len(state["attempts"]) < _MOST_ATTEMPTS:
        return "count", current
    return "run", current


def _any_slot(state: State | None, complete: Sequence[str]) -> str | None:
    if state is not None:
        previous: str | None = state["previous"]
        if previous in complete:
            return previous
        bad = [each["slot"] for each in state["bad"]]
        for slot in complete:
            if slot not in bad:
                return slot
    return complete[0] if complete else None


def _proved(root: str) -> str | None:
    """Name what is current, if it is neither pending nor bad, as nearly always.

    Then the state does not name it, or only as the previous one.
    """
    slot = _current(root)
    state = _read_bytes(root)
    if slot is None or state is None or slot.encode() in state:
        return None
    return slot


def _choose(root: str) -> str | None:
    """Choose the slot and do what the choice asks for."""
    lock = _lock(os.path.join(root, "lock"), fcntl.LOCK_EX)
    try:
        state = _read_state(root)
        current = _current(root)
        alive = [] if state is None else list(filter(_lives, state["attempts"]))
        known = None if lock is None else state
        action, slot = decide(known, current, _complete(root), alive)
        if known is None or current is None or slot is None:
            return slot
        try:
            if action == "count":
                _count(root, known)
            elif action == "back":
                _go_back(root, known, current, slot)
        except OSError:
            slot = current  # a full or read-only disk
        return slot
    finally:
        if lock is not None:
            os.close(lock)


def _count(root: str, state: State) -> None:
    me = {"pid": os.getpid(), "start": started(os.getpid())}
    if me["start"] is None:
        return  # without /proc nobody could tell later whether we live
    if me not in state["attempts"]:
        state["attempts"].append(me)
        _write_state(root, state)


def _go_back(root: str, state: State, current: str, slot: str) -> None:
    """Give up what is current. The attempts stay: the updater tells its audit of it."""
    if current not in [each["slot"] for each in state["bad"]]:
        bad = {"at": max(0, int(time.time())), "slot": current, "why": "boot"}
        state["bad"] = [*state["bad"], bad][-_MOST_BAD:]
        state["pending"] = None
        _write_state(root, state)
    beside = os.path.join(root, "current.new")
    if os.path.lexists(beside):  # of a process that was killed
        os.unlink(beside)
    os.symlink("versions/" + slot, beside)
    os.replace(beside, os.path.join(root, "current"))
    _sync_folder(root)
    _say(f"{_version(current)} did not start, back to {_version(slot)}")


def _read_state(root: str) -> State | None:
    """Read state.json; None if it is not what we know."""
    import json  # noqa: PLC0415 - see above

    data = _read_bytes(root)
    if data is None:
        return None
    try:
        state: State = json.loads(data.decode("utf-8"))
        slots = [each["slot"] for each in state["bad"]]
        numbers = [each["pid"] + each["start"] for each in state["attempts"]]
        known = state["schema"] == "ringfence-install/1" and isinstance(
            state["rev"] + sum(numbers), int
        )
        strings = [*slots, state["pending"] or "", state["previous"] or ""]
        pythons = [*state["pythons"], *state["pythons"].values()]
        if known and all(isinstance(each, str) for each in strings + pythons):
            return state
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return None


def _read_bytes(root: str) -> bytes | None:
    try:
        with open(os.path.join(root, "state.json"), "rb", opener=_no_link) as file:
            return file.read(_MOST_BYTES)
    except OSError:
        return None


def _write_state(root: str, state: State) -> None:
    import json  # noqa: PLC0415 - see above

    state["rev"] += 1
    text = json.dumps(state, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    beside = os.path.join(root, "state.json.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    opened = os.open(beside, flags, 0o600)
    try:
        data = text.encode("utf-8")
        while data:
            data = data[os.write(opened, data) :]
        os.fsync(opened)
    finally:
        os.close(opened)
    os.replace(beside, os.path.join(root, "state.json"))
    _sync_folder(root)


def _sync_folder(folder: str) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)


def _lock(path: str, how: int) -> int | None:
    """Lock a file, without waiting; None if that cannot be done."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        opened = os.open(path, flags, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(opened, how | fcntl.LOCK_NB)
    except OSError:
        os.close(opened)
        return None
    return opened


def _hold(root: str, slot: str) -> bool:
    """Hold the slot for as long as the program runs; False if it is being removed."""
    path = os.path.join(root, "versions", slot)
    lock = _lock(path + ".lock", fcntl.LOCK_SH)
    if lock is not None and os.fstat(lock).st_nlink == 0:
        os.close(lock)
        return False
    if lock is not None:
        os.set_inheritable(lock, True)  # noqa: FBT003 - takes no keyword
    if os.path.isfile(os.path.join(path, "tree.json")):
        return True
    if lock is not None:
        os.close(lock)
    return False


def _current(root: str) -> str | None:
    """Name the complete slot that the link leads to, if it does."""
    try:
        folder, _, slot = os.readlink(os.path.join(root, "current")).partition("/")
    except OSError:
        return None
    if folder == "versions" and _is_complete(root, slot):
        return slot
    return None


def _complete(root: str) -> list[str]:
    """List the complete slots, the highest version first."""
    try:
        names = os.listdir(os.path.join(root, "versions"))
    except OSError:
        return []
    found = [
        (order, name)
        for name in names
        for order in [_order(_version(name))]
        if order is not None and _is_complete(root, name)
    ]
    return [name for _, name in sorted(found, reverse=True)]


def _is_complete(root: str, name: str) -> bool:
    """Tell whether this is a slot (version, dash, twelve digits) with its tree."""
    version, dash, digits = name.rpartition("-")
    if not dash or len(digits) != 12 or set(digits) - set("0123456789abcdef"):
        return False
    if not version[:1].isdigit() or not version.replace(".", "").isalnum():
        return False
    return os.path.isfile(os.path.join(root, "versions", name, "tree.json"))


def _version(slot: str) -> str:
    return slot.rpartition("-")[0]


def _order(version: str) -> tuple[Any, ...] | None:
    """Give what sorts like versions do (PEP 440, normal form); None if it is none."""
    import re  # noqa: PLC0415 - see above

    number = "(?:0|[1-9][0-9]{0,15})"
    found = re.fullmatch(
        rf"({number}(?:\.{number})*)(?:(a|b|rc)({number}))?"
        rf"(?:\.post({number}))?(?:\.dev({number}))?",
        version,
    )
    if found is None:
        return None
    numbers, kind, pre, post, dev = found.groups()
    release = [int(each) for each in numbers.split(".")]
    while release and release[-1] == 0:
        release.pop()
    plain = ("", 0) if dev and not post else ("z", 0)
    before = (kind, int(pre)) if kind else plain
    return release, before, int(post or -1), int(dev or 10**16)


def _lives(attempt: dict[str, int]) -> bool:
    return started(attempt["pid"]) == attempt["start"]


def started(pid: int) -> int | None:
    """Give when a process started, in ticks since the machine did; None without it."""
    try:
        with open(f"/proc/{pid:d}/stat", "rb") as file:
            # The name in parentheses may hold anything; field 22 is the 20th after it.
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def _run(root: str, slot: str) -> int:
    """Become the slot's program; comes back only if that cannot be."""
    path = os.path.join(root, "versions", slot)
    module, platform = _read_tree(os.path.join(path, "tree.json"))
    if not module or not platform:
        return _say(f"expected a readable tree.json in {slot}", _reinstall(root))
    tag = platform.partition("-")[0]
    state = (_read_bytes(root) or b"").decode("utf-8", "replace")
    python = find_python(tag, _value(state, tag))
    if python is None:
        name = _name(tag)
        return _say(
            f"expected {name}, for which this was installed",
            f"install {name}, or for another Python {_reinstall(root)}",
        )
    me = os.path.join(root, os.path.basename(__file__))
    before = [python, *FLAGS, "-c", CODE, os.path.join(path, "lib"), module, me]
    return os.execv(python, before + sys.argv[1:])


def _read_tree(path: str) -> tuple[str, str]:
    """Read module and platform, which stand after the list of files: keys are sorted.

    No string within JSON holds an unescaped quote, so that a key is found as it is; and
    what is looked for here has nothing to escape.
    """
    try:
        with open(path, "rb", opener=_no_link) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            tail = file.read(_TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        return "", ""
    return _value(tail, "module"), _value(tail, "platform")


def _value(text: str, key: str) -> str:
    _, found, rest = text.rpartition(f'"{key}":"')
    return rest.partition('"')[0] if found else ""


def find_python(tag: str, named: str) -> str | None:
    """Find the interpreter of a tag (cp311): where it is said to be, or as usual."""
    usual = [os.path.join(place, _name(tag)) for place in _PLACES]
    for path in [named, *usual]:
        if os.access(path, os.X_OK):
            return path
    return None


def _name(tag: str) -> str:
    return f"python{tag[2:3]}.{tag[3:]}"


def _reinstall(root: str) -> str:
    return f"install anew: 'pipx run ringfence update apply --root {root}'"


def _say(sentence: str, hint: str = "") -> int:
    name = os.path.basename(sys.argv[0])
    sys.stderr.write(f"{name}: {sentence}\n")
    if hint:
        sys.stderr.write(f"hint: {hint}\n")
    return _MISSING


def _self_test() -> int:
    """See that this copy is whole and its Python can run it."""
    state = {"bad": [], "pending": "2-0", "previous": "1-0", "attempts": [{}]}
    gone = dict(state, attempts=[{}, {}])
    rows = (
        (decide(None, "2-0", [], []), ("run", "2-0")),
        (decide(state, "2-0", ["2-0", "1-0"], []), ("count", "2-0")),
        (decide(gone, "2-0", ["2-0", "1-0"], []), ("back", "1-0")),
        (decide(gone, "2-0", ["2-0"], []), ("count", "2-0")),
        (decide(state, None, [], []), ("nothing", None)),
    )
    if any(found != expected for found, expected in rows):
        return 1
    sys.stdout.write(f"launcher {VERSION}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
