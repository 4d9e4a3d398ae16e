"""What a guest's call wants done: no value shows a secret."""

import pytest

from voip.gateway.guests.commands import AskHost, Command, UseKeys

SECRET = b"secret"


@pytest.mark.parametrize(
    "command",
    [AskHost(SECRET), UseKeys((SECRET, 1), (SECRET, 0))],
    ids=["words", "keys"],
)
def test_secrets_are_not_shown(command: Command) -> None:
    assert "secret" not in repr(command)
