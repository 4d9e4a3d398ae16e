"""Whom we trust far enough for what, in a room."""

import pytest

from voip.gateway.rooms.trusting import is_doubted, may_introduce
from voip.identity.trust import TrustState


def test_only_who_was_recognised_may_introduce() -> None:
    assert [each for each in TrustState if may_introduce(each)] == [
        TrustState.CONTINUOUS,
        TrustState.VERIFIED,
    ]


@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
def test_only_a_strict_user_doubts_who_is_new(*, strict: bool) -> None:
    doubted = {each for each in TrustState if is_doubted(each, strict=strict)}

    assert doubted == {TrustState.BROKEN} | ({TrustState.NEW} if strict else set())
