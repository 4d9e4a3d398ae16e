"""Waves: a release reaches a few first, and everybody in the end."""

import hashlib
import hmac

import pytest

from updater.offer.waves import NORMAL, SECURITY, Wave, bucket, opens_after_s, reached

_SEED = bytes(range(32))


def test_a_bucket_is_what_its_format_says() -> None:
    mac = hmac.new(_SEED, b"ringfence-wave/1\nstable\n1.4.0", hashlib.sha256).digest()

    assert bucket(_SEED, "stable", "1.4.0") == int.from_bytes(mac[:8], "big") % 1000


def test_nobody_is_always_first() -> None:
    buckets = {bucket(_SEED, "stable", f"1.{minor}.0") for minor in range(200)}

    assert min(buckets) < 100
    assert max(buckets) >= 900


def test_a_tenth_of_all_is_in_the_first_tenth() -> None:
    seeds = [
        hashlib.sha256(bytes([one, two])).digest()
        for one in range(40)
        for two in range(50)
    ]
    first = sum(bucket(seed, "stable", "1.4.0") < 100 for seed in seeds)

    assert 150 <= first <= 250


@pytest.mark.parametrize(
    ("elapsed_s", "per_mille"),
    [(-1, 0), (0, 10), (43_199, 10), (43_200, 100), (259_199.9, 700), (10**9, 1000)],
)
def test_waves_open_one_after_the_other(elapsed_s: float, per_mille: int) -> None:
    assert reached(NORMAL, elapsed_s) == per_mille


@pytest.mark.parametrize(
    ("number", "after_s"), [(0, 0), (49, 0), (50, 3600), (999, 10_800)]
)
def test_a_bucket_opens_with_the_first_wave_beyond_it(
    number: int, after_s: int
) -> None:
    assert opens_after_s(SECURITY, number) == after_s


def test_a_bucket_opens_when_its_wave_is_reached() -> None:
    waves = (Wave(0, 1), Wave(7, 1000))

    assert reached(waves, opens_after_s(waves, 500)) > 500
