"""What the worker does with a telephone that wants to send us elsewhere."""

from types import SimpleNamespace

import pytest

stack = pytest.importorskip("voip.gateway.sip.stack")

CHECKED = "sip:+493099@pbx.example"


class StandInCall:
    """A call of the stack, with what its other side asked for last."""

    def __init__(self, asked: str | None) -> None:
        self.transfer_request = None if asked is None else SimpleNamespace(raw=asked)
        self.rejected: list[int] = []

    async def accept_transfer(self) -> str:
        assert self.transfer_request is not None
        return f"call of {self.transfer_request.raw}"

    async def reject_transfer(self, status: int) -> None:
        self.rejected.append(status)


async def test_whom_the_parent_checked_is_called() -> None:
    call = StandInCall(CHECKED)

    assert await stack.refer(call, CHECKED) == f"call of {CHECKED}"


@pytest.mark.parametrize(
    "asked",
    ["sip:+4990099@pbx.example", None, f"<{CHECKED}>;method=INVITE"],
    ids=["another", "taken back", "written otherwise"],
)
async def test_another_than_the_parent_checked_is_not_called(asked: str | None) -> None:
    call = StandInCall(asked)

    assert (await stack.refer(call, CHECKED), call.rejected) == (None, [603])
