"""The link of virtual time does what its conditions say."""

from itertools import groupby

import pytest

from tests.voip.media.link import DOWN, Conditions, Link, Script


def arrivals(
    conditions: Conditions, *, count: int = 20_000, seed: int = 1, script: Script = ()
) -> list[float | None]:
    """Send a packet of 200 bytes every 20 ms; give when each arrives."""
    link = Link(conditions, seed, script)
    return [link.send(200, 0.02 * number) for number in range(count)]


@pytest.mark.parametrize("run", [None, 4.0], ids=["scattered", "bursts"])
def test_as_much_is_lost_as_was_said(run: float | None) -> None:
    came = arrivals(Conditions(loss=0.1, run=run))

    assert came.count(None) / len(came) == pytest.approx(0.1, abs=0.015)


@pytest.mark.parametrize(
    ("run", "mean"), [(None, 1 / 0.9), (4.0, 4.0)], ids=["scattered", "bursts"]
)
def test_losses_come_in_runs_as_long_as_was_said(
    run: float | None, mean: float
) -> None:
    came = arrivals(Conditions(loss=0.1, run=run))
    runs = [
        len(list(group)) for lost, group in groupby(came, lambda at: at is None) if lost
    ]

    assert sum(runs) / len(runs) == pytest.approx(mean, rel=0.1)


def test_the_same_seed_gives_the_same_path() -> None:
    conditions = Conditions(loss=0.1, jitter_s=0.05)

    assert arrivals(conditions, count=500) == arrivals(conditions, count=500)


def test_another_loss_leaves_the_jitter_as_it_was() -> None:
    calm = arrivals(Conditions(jitter_s=0.05, reorders=True), count=500)
    bad = arrivals(Conditions(jitter_s=0.05, reorders=True, loss=0.5), count=500)

    assert all(at in {None, before} for before, at in zip(calm, bad, strict=True))


@pytest.mark.parametrize("reorders", [True, False])
def test_packets_overtake_only_where_they_may(reorders: bool) -> None:  # noqa: FBT001
    came = arrivals(Conditions(jitter_s=0.05, reorders=reorders), count=500)

    assert (came != sorted(at for at in came if at is not None)) == reorders


def test_a_bottleneck_carries_its_rate_and_drops_the_rest() -> None:
    link = Link(Conditions(rate=40_000, queue_s=0.3), 1)
    came = [link.send(200, 0.02 * number) for number in range(1000)]
    there = [at for at in came if at is not None]

    assert len(there) == pytest.approx(500, abs=10)
    assert max(at - 0.02 * n for n, at in enumerate(came) if at) < 0.3 + 0.04 + 0.021
    assert link.dropped == link.lost == 1000 - len(there)


def test_what_waits_goes_on_at_the_new_rate() -> None:
    faster = [(1.0, Conditions(rate=800_000))]
    link = Link(Conditions(rate=40_000), 1, faster)
    for number in range(50):
        link.send(200, 0.02 * number)
    before = link.queue_s(1.0)
    link.send(200, 1.0)

    assert link.queue_s(1.0) == pytest.approx(before / 20 + 0.002)


def test_a_script_takes_the_path_down_and_brings_it_back() -> None:
    script = [(2.0, DOWN), (3.0, Conditions(delay_s=0.1))]
    came = arrivals(Conditions(), count=200, script=script)

    assert came[100:150] == [None] * 50
    assert came[150] == pytest.approx(3.1)
