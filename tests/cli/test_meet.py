"""Two people who are on the telephone swap cards by a code of two words."""

from cli.codes import Code
from tests.cli.conftest import Start
from voip.identity.words import WORDS


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


def test_a_wrong_word_ends_the_run_on_both_sides(start: Start, relay_line: str) -> None:
    for person in ("alice", "eve"):
        start(
            person, "identity", "create", f"--alias={person}", "--kdf-mib=64"
        ).communicate(timeout=30)
    creator = start("alice", "contact", "meet", f"--relay={relay_line}")
    assert creator.stderr is not None
    number, first, second = creator.stderr.readline().split()[-1].split("-")
    wrong = WORDS[0] if second != WORDS[0] else WORDS[1]
    code = f"{number}-{first}-{wrong}"
    joiner = start("eve", "contact", "meet", code, f"--relay={relay_line}")
    said = [process.communicate(timeout=30)[1] for process in (creator, joiner)]

    sentence = (
        "ringfence: error: code: the words do not match, or somebody is guessing "
        "them; make a new code\n"
    )
    assert said == [sentence, sentence]
    assert creator.returncode == joiner.returncode == Code.REFUSED
    for person in ("alice", "eve"):  # and nobody was added
        listed, _ = start(person, "contact", "list").communicate(timeout=30)
        assert listed == ""
