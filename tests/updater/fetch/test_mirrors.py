import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.errors import FetchError, MalformedError
from updater.fetch.mirrors import ask_each, format_mirrors, in_order, parse_mirrors

GOOD = ("https://one.example/updates/", "https://two.example:8443/")


def test_a_mirror_file_is_read_as_it_was_written() -> None:
    assert parse_mirrors(format_mirrors(GOOD)) == GOOD


@pytest.mark.parametrize(
    "mirrors",
    [
        (),
        GOOD * 3,
        ("http://one.example/",),
        ("https://one.example",),
        ("https://user@one.example/",),
        ("https://one.example/../",),
        ("https://one.example/?a/",),
    ],
)
def test_other_addresses_are_refused(mirrors: tuple[str, ...]) -> None:
    with pytest.raises(MalformedError):
        parse_mirrors(format_mirrors(mirrors))


@given(st.data())
def test_no_other_bytes_are_a_mirror_file(data: st.DataObject) -> None:
    good = format_mirrors(GOOD)
    at = data.draw(st.integers(0, len(good) - 1))
    mangled = data.draw(
        st.sampled_from([good[:at], good + b"\n", good[:at] + b"\x00" + good[at + 1 :]])
    )

    with pytest.raises(MalformedError):
        parse_mirrors(mangled)


def test_the_users_own_mirrors_come_first_and_four_are_asked() -> None:
    assert in_order(["c", "a"], ["a", "b", "d", "e"]) == ("c", "a", "b", "d")


def test_the_next_mirror_is_asked_when_one_fails() -> None:
    asked: list[str] = []

    def ask(mirror: str) -> str:
        asked.append(mirror)
        if mirror != "good":
            raise FetchError("cut", mirror)
        return "answer"

    assert ask_each(["dead", "good", "unused"], ask) == "answer"
    assert asked == ["dead", "good"]


def test_the_last_failure_is_the_one_that_is_told() -> None:
    def ask(mirror: str) -> str:
        raise FetchError("cut", mirror)

    with pytest.raises(FetchError, match=r"^two$"):
        ask_each(["one", "two"], ask)


def test_without_a_mirror_nobody_can_be_asked() -> None:
    with pytest.raises(FetchError, match="no mirror to ask"):
        ask_each([], str)
