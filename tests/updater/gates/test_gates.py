from updater.gates import GATES


def test_the_gates_are_these_in_this_order() -> None:
    assert " ".join(GATES) == (
        "clock freeze tuf policy select wave fetch hash claim signature inclusion"
        " consistency witness fresh yank cooldown rebuild manifest"
    )
