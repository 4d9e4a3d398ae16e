import pytest

from voip.signalling.counts import BOUNDS_S, Histogram, RelayCounts


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0.0, 0), (0.001, 0), (0.0011, 1), (5.0, 11), (5.1, 12)]
)
def test_a_bound_belongs_to_its_bucket(seconds: float, bucket: int) -> None:
    histogram = Histogram()
    histogram.add(seconds)

    assert (histogram.buckets.index(1), histogram.total_s) == (bucket, seconds)


def test_what_is_slower_than_all_bounds_has_a_bucket() -> None:
    assert len(Histogram().buckets) == len(BOUNDS_S) + 1


def test_every_series_is_there_from_the_start() -> None:
    counts = RelayCounts()

    assert (len(counts.frames), len(counts.store_s), len(counts.turned_away)) == (
        24,
        7,
        3,
    )
