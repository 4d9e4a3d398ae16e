"""Two people who are on the telephone swap cards by a code of two words."""

from tests.cli.conftest import Start


def test_two_people_meet_by_a_code(start: Start, relay_line: str) -> None:
    for person in ("alice", "bob"):
        start(
            person, "identity", "create", f"--alias={person}", "--kdf-mib=64"
        ).communicate(timeout=30)
    creator = start("alice", "contact", "meet", f"--relay={relay_line}")
    assert creator.stderr is not None
    code = creator.stderr.readline().split()[-1]
    joiner = start("bob", "contact", "meet", code, f"--relay={relay_line}")
    shown = [process.communicate(timeout=30)[0] for process in (creator, joiner)]

    assert shown == ["bob: new: no call yet\n", "alice: new: no call yet\n"]
