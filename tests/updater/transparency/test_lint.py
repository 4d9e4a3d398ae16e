"""What a policy may not be, though it parses: one test per code."""

import pytest

from tests.updater.transparency.logs import LOG, witness
from tests.updater.transparency.policies import keys, policy_text
from updater.errors import MalformedError
from updater.transparency.key import Kind, SigningKey
from updater.transparency.lint import convert_witness_keys, lint
from updater.transparency.policy import parse_policy

_MIRRORS = {
    f"w{number}": witness(number, name=f"w{number}.example/mirror")
    for number in (1, 2, 3, 4)
}


def _codes(
    *lines: str,
    witnesses: dict[str, SigningKey] | None = None,
    cooldown: str | None = None,
    is_dev: bool = False,
) -> list[str]:
    data = policy_text(*lines, witnesses=witnesses or _MIRRORS)
    found = lint(data, cooldown_group=cooldown, is_dev=is_dev)
    return [each.code for each in found]


def _of(count: int, threshold: int) -> list[str]:
    """Lint a group of so many operators."""
    some = {
        f"w{number}": witness(number, name=f"w{number}.example/mirror")
        for number in range(1, count + 1)
    }
    line = f"group us {threshold} {' '.join(some)}"
    return [
        code
        for code in _codes(line, "quorum us", witnesses=some)
        if code != "few-operators"
    ]


def test_a_good_policy_has_no_weakness() -> None:
    assert _codes("group us 3 w1 w2 w3 w4", "quorum us") == []


@pytest.mark.parametrize(
    ("count", "safe"), [(2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (10, 7)]
)
def test_more_than_two_thirds_are_safe(count: int, safe: int) -> None:
    assert _of(count, safe) == []
    assert "small-quorum" in _of(count, safe - 1)


def test_machines_of_one_operator_count_as_one() -> None:
    machines = {
        name: witness(number, name=f"{'ab'[number > 3]}.example/{name}")
        for number, name in enumerate(("a1", "a2", "a3", "b1"), start=1)
    }
    others = {"w8": witness(8), "w9": witness(9)}
    grouped = ("group a any a1 a2 a3", "group us 3 a b1 w8 w9", "quorum us")
    flat = ("group us 4 a1 a2 a3 b1 w8 w9", "quorum us")

    assert _codes(*grouped, witnesses=machines | others) == ["no-mirror"]
    assert "small-quorum" in _codes(*flat, witnesses=machines | others)


def test_a_group_inside_is_judged_too() -> None:
    lines = ("group a any w1 w2", "group us all a w3 w4", "quorum us")

    assert "small-quorum" in _codes(*lines)


def test_a_group_that_nothing_asks_for_is_not_judged() -> None:
    lines = ("group spare any w3 w4", "group us all w1 w2", "quorum us")

    assert "small-quorum" not in _codes(*lines)


def test_the_cooldown_group_is_judged_too() -> None:
    lines = ("group us all w1 w2", "group late any w3 w4", "quorum us")

    assert "small-quorum" in _codes(*lines, cooldown="late")


def test_one_operator_alone_is_no_quorum() -> None:
    same = {
        f"w{number}": witness(number, name=f"one.example/{number}")
        for number in (1, 2, 3)
    }

    assert "one-operator" in _codes("quorum w1")
    assert "one-operator" in _codes(
        "group us all w1 w2 w3", "quorum us", witnesses=same
    )


def test_nobody_is_a_quorum_for_developers_only() -> None:
    data = policy_text("quorum none")
    first, *_ = lint(data, cooldown_group=None)

    assert (first.code, first.level) == ("no-quorum", "error")
    assert "no-quorum" not in _codes("quorum none", is_dev=True)


def test_the_key_of_a_log_is_no_witness() -> None:
    same = SigningKey("w5.example/bt", Kind.WITNESS, seed=LOG.seed)

    assert "shared-key" in _codes("quorum w5", witnesses={"w5": same})


def test_keys_of_logs_and_witnesses_sign_no_claims() -> None:
    data = policy_text("group us 3 w1 w2 w3 w4", "quorum us", witnesses=_MIRRORS)
    role_keys = {LOG.verifier.public, _MIRRORS["w2"].verifier.public}
    found = lint(data, cooldown_group=None, role_keys=role_keys)

    assert [each.text for each in found] == [
        "bt.example/ringfence/1 may also sign claims",
        "w2.example/mirror may also sign claims",
    ]


def test_a_cooldown_group_must_be_there() -> None:
    lines = ("group us 3 w1 w2 w3 w4", "quorum us")

    assert _codes(*lines, cooldown="mirrors") == ["no-cooldown-group"]
    assert _codes(*lines, cooldown="us") == []


def test_without_mirrors_nobody_says_that_entries_were_public() -> None:
    codes = _codes("group us 3 w1 w2 w3 w4", "quorum us", witnesses=keys(1, 2, 3, 4))

    assert codes == ["no-mirror"]


def test_with_three_operators_none_may_be_away() -> None:
    codes = _codes("group us 3 w1 w2 w3", "quorum us")

    assert codes == ["few-operators"]


def test_a_quorum_of_ml_dsa_alone_leaves_others_out() -> None:
    modern = {
        f"w{number}": witness(number, f"w{number}.example/mirror", Kind.ML_DSA)
        for number in (1, 2, 3, 4)
    }
    codes = _codes("group us 3 w1 w2 w3 w4", "quorum us", witnesses=modern)

    assert codes == ["only-ml-dsa"]


def test_a_missing_last_newline_is_a_warning() -> None:
    data = policy_text("group us 3 w1 w2 w3 w4", "quorum us", witnesses=_MIRRORS)
    found = lint(data[:-1], cooldown_group=None)

    assert [(each.code, each.level) for each in found] == [
        ("no-final-newline", "warning")
    ]


def test_what_does_not_parse_is_malformed() -> None:
    with pytest.raises(MalformedError):
        lint(b"quorum w1\n", cooldown_group=None)


def test_witness_keys_met_in_the_wild_are_converted_by_name() -> None:
    wild = SigningKey("w1.example/bt", Kind.LOG, seed=witness(1).seed)
    data = policy_text(
        f"witness old\t{wild.verifier} https://w1.example",
        "quorum old",
        witnesses=keys(2),
    )
    converted, names = convert_witness_keys(data)
    policy = parse_policy(converted)

    assert names == ["old"]
    assert policy.witnesses_of("old")[0].key == witness(1).verifier
    assert policy.witnesses_of("old")[0].url == "https://w1.example"
    assert policy.witnesses_of("w2")[0].key == witness(2).verifier


@pytest.mark.parametrize("line", [b"witness a", b"witness a \xff", b"witness a b"])
def test_conversion_mends_nothing_else(line: bytes) -> None:
    with pytest.raises(MalformedError):
        convert_witness_keys(line + b"\nquorum none\n")
