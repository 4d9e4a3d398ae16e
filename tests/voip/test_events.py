"""The call machine's words: values that do not change, and names that stay."""

import dataclasses

import pytest

from voip.description import Description
from voip.events import Accepted, End, Selected, SendAccept, StartMedia

LEG = b"l" * 16
MEDIA = Description(
    ufrag="abcd", pwd="secretpasswordofthepath", streams=(), candidates=()
)


def test_the_names_of_ends_are_an_interface() -> None:
    """They stand in the call log and in JSON; programs compare them."""
    assert [end.value for end in End] == [
        "hung up",
        "declined",
        "busy",
        "not taking calls",
        "cancelled",
        "answered elsewhere",
        "declined elsewhere",
        "no answer",
        "unreachable",
        "missed",
        "missed, unconfirmed",
        "security",
        "connection lost",
        "both called at once",
        "superseded by a newer call",
    ]


def test_a_command_cannot_be_changed() -> None:
    command = SendAccept(LEG)

    with pytest.raises(dataclasses.FrozenInstanceError):
        command.leg = b""  # type: ignore[misc]  # that is the point


@pytest.mark.parametrize("kind", [Accepted, Selected, StartMedia])
def test_repr_does_not_hold_the_password_of_the_path(
    kind: type[Accepted | Selected | StartMedia],
) -> None:
    assert MEDIA.pwd not in repr(kind(LEG, MEDIA))
