"""Two minutes of the soak: the same call and interruptions, closer together."""

import pytest

from benchmarks.soak import figures
from tests.lab.network import missing


@pytest.mark.slow
@pytest.mark.realtime
@pytest.mark.timeout(300)
@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_a_call_on_a_bad_network_is_heard_again_and_never_later() -> None:
    missed = [each.name for each in figures(2) if not each.is_met]

    assert missed == []
