from voip.gateway.counts import (
    Direction,
    End,
    GatewayCounts,
    Invited,
    Kind,
    LegCounts,
    Mark,
    end_of,
    kind_of,
    mark_of,
)


def test_every_series_is_there_from_the_start() -> None:
    """Or a graph would begin with the first call, and say when that was."""
    counts = GatewayCounts()

    assert (len(counts.legs), len(counts.ends), len(counts.invites)) == (12, 30, 5)


def test_a_leg_is_counted_while_it_is_joined() -> None:
    counts = GatewayCounts()
    counts.leg_joined(Kind.SIP, Mark.PBX_ONLY)
    counts.leg_joined(Kind.SIP, Mark.PBX_ONLY)
    counts.leg_ended(Kind.SIP, End.NORMAL, mark=Mark.PBX_ONLY)

    assert (
        counts.legs[Kind.SIP, Mark.PBX_ONLY],
        counts.ends[Kind.SIP, End.NORMAL],
    ) == (
        1,
        1,
    )


def test_a_leg_that_never_joined_only_ends() -> None:
    counts = GatewayCounts()
    counts.leg_ended(Kind.BROWSER, End.DECLINED)

    assert (sum(counts.legs.values()), sum(counts.ends.values())) == (0, 1)


def test_a_weaker_leg_moves_to_its_new_mark() -> None:
    counts = GatewayCounts()
    counts.leg_joined(Kind.SIP, Mark.PBX_ONLY)
    counts.leg_changed(Kind.SIP, Mark.PBX_ONLY, Mark.NOT_ENCRYPTED)
    joined = {key: count for key, count in counts.legs.items() if count}

    assert joined == {(Kind.SIP, Mark.NOT_ENCRYPTED): 1}


def test_invites_are_counted_by_what_became_of_them() -> None:
    counts = GatewayCounts()
    counts.invited(Invited.REOPENED)

    assert counts.invites[Invited.REOPENED] == 1


def test_frames_are_added_to_one_counter_a_direction() -> None:
    counts = GatewayCounts()
    counts.frames(Kind.ROOM, Direction.IN).passed += 2

    assert counts.frames(Kind.ROOM, Direction.IN).passed == 2


def test_labels_stand_in_the_order_of_their_wire_codes() -> None:
    assert (kind_of(2), mark_of(4), end_of(10)) == (
        Kind.SIP,
        Mark.NOT_ENCRYPTED,
        End.SECURITY,
    )


def test_a_leg_is_counted_from_when_it_has_joined_and_under_its_mark() -> None:
    counts = GatewayCounts()
    legs = LegCounts(counts)
    seen = []
    for mark, has_joined in ((3, False), (3, True), (3, True), (4, False)):
        legs.listed(1, 2, mark, has_joined=has_joined)
        seen.append([key for key, count in counts.legs.items() if count])
    legs.ended(1, 2, 9)

    to_pbx, plain = (Kind.SIP, Mark.PBX_ONLY), (Kind.SIP, Mark.NOT_ENCRYPTED)
    assert seen == [[], [to_pbx], [to_pbx], [plain]]
    assert (sum(counts.legs.values()), counts.ends[Kind.SIP, End.LOST]) == (0, 1)


def test_where_nobody_looks_a_leg_comes_and_goes_all_the_same() -> None:
    legs = LegCounts(None)
    legs.listed(1, 2, 3, has_joined=True)
    legs.ended(1, 2, 1)

    assert not vars(legs)["_marks"]
