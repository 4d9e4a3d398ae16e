import pytest

from voip.errors import HandshakeError, LimitError
from voip.handshake.replay import (
    BY_HAND_WINDOW_MS,
    SEEN_LIMIT,
    ReplayGuard,
    is_late,
)

NOW = 1_800_000_000_000
MINUTE = 60_000
ALICE, BOB = b"a" * 32, b"b" * 32


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def admit(
    guard: ReplayGuard,
    number: int,
    *,
    identity: bytes = ALICE,
    now_ms: int = NOW,
    ts_ms: int | None = None,
    last_confirmed_ms: int = 0,
) -> None:
    guard.admit(
        identity,
        key(number),
        ts_ms=now_ms if ts_ms is None else ts_ms,
        last_confirmed_ms=last_confirmed_ms,
        now_ms=now_ms,
    )


@pytest.mark.parametrize(
    ("age_ms", "late"),
    [(-MINUTE, False), (0, False), (MINUTE, False), (MINUTE + 1, True)],
)
def test_an_invite_is_late_after_a_minute(age_ms: int, *, late: bool) -> None:
    assert is_late(NOW - age_ms, NOW) is late


def test_an_invite_from_the_future_is_refused() -> None:
    with pytest.raises(HandshakeError, match="from the future"):
        is_late(NOW + MINUTE + 1, NOW)


def test_a_late_invite_is_not_admitted() -> None:
    with pytest.raises(HandshakeError, match="too old"):
        admit(ReplayGuard(), 1, ts_ms=NOW - MINUTE - 1)


def test_an_invite_carried_by_hand_may_be_a_quarter_of_an_hour_old() -> None:
    guard = ReplayGuard(BY_HAND_WINDOW_MS)
    admit(guard, 1, ts_ms=NOW - 15 * MINUTE)

    with pytest.raises(HandshakeError, match="too old"):
        admit(guard, 2, ts_ms=NOW - 15 * MINUTE - 1)


def test_an_invite_carried_by_hand_is_remembered_longer_than_it_is_fresh() -> None:
    guard = ReplayGuard(BY_HAND_WINDOW_MS)
    admit(guard, 1)

    with pytest.raises(HandshakeError, match="seen before"):
        admit(guard, 1, ts_ms=NOW + 30 * MINUTE, now_ms=NOW + 31 * MINUTE)


def test_an_invite_must_be_newer_than_the_last_confirmed_one() -> None:
    with pytest.raises(HandshakeError, match="not newer than the last confirmed"):
        admit(ReplayGuard(), 1, ts_ms=NOW, last_confirmed_ms=NOW)


def test_an_invite_is_admitted_once() -> None:
    guard = ReplayGuard()
    admit(guard, 1)

    with pytest.raises(HandshakeError, match="seen before"):
        admit(guard, 1)


def test_an_invite_is_admitted_once_even_when_it_was_confirmed() -> None:
    guard = ReplayGuard()
    admit(guard, 1)
    guard.confirm(ALICE, key(1))

    with pytest.raises(HandshakeError, match="seen before"):
        admit(guard, 1)


def test_an_ephemeral_key_is_forgotten_after_five_minutes() -> None:
    guard = ReplayGuard()
    admit(guard, 1)

    admit(guard, 1, now_ms=NOW + 5 * MINUTE)


def test_the_seventh_unconfirmed_in_a_minute_is_refused() -> None:
    guard = ReplayGuard()
    for number in range(6):
        admit(guard, number)

    with pytest.raises(LimitError, match="at most 6 a minute"):
        admit(guard, 6)


def test_rates_are_counted_per_identity() -> None:
    guard = ReplayGuard()
    for number in range(6):
        admit(guard, number)

    admit(guard, 6, identity=BOB)


def test_confirmed_handshakes_are_not_counted() -> None:
    guard = ReplayGuard()
    for number in range(20):
        admit(guard, number)
        guard.confirm(ALICE, key(number))


def test_the_thirty_first_unconfirmed_in_an_hour_is_refused() -> None:
    guard = ReplayGuard()
    for number in range(30):
        admit(guard, number, now_ms=NOW + number * MINUTE)

    with pytest.raises(LimitError, match="at most 30 an hour"):
        admit(guard, 30, now_ms=NOW + 30 * MINUTE)


def test_the_count_starts_anew_after_an_hour() -> None:
    guard = ReplayGuard()
    for number in range(30):
        admit(guard, number, now_ms=NOW + number * MINUTE)

    admit(guard, 30, now_ms=NOW + 60 * MINUTE)


def test_a_full_memory_refuses_rather_than_forgets() -> None:
    guard = ReplayGuard()
    for number in range(SEEN_LIMIT):
        identity = key(number)
        admit(guard, number, identity=identity)
        guard.confirm(identity, key(number))

    with pytest.raises(LimitError, match="replay memory is full"):
        admit(guard, SEEN_LIMIT)


def test_confirming_what_was_never_admitted_changes_nothing() -> None:
    guard = ReplayGuard()

    guard.confirm(ALICE, key(1))

    admit(guard, 1)


def test_noted_ones_are_counted_apart_and_thirty_an_hour_are_enough() -> None:
    guard = ReplayGuard()
    for _ in range(30):
        guard.admit_to_log(ALICE, NOW)
    guard.admit_to_log(BOB, NOW)
    admit(guard, 1)

    with pytest.raises(LimitError, match="noted invites: at most 30 an hour"):
        guard.admit_to_log(ALICE, NOW + 60 * MINUTE - 1)
    guard.admit_to_log(ALICE, NOW + 60 * MINUTE)
