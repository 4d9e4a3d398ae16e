"""One telephone call in a bridge: told first, rung then, heard once it is safe."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.voip.gateway.phones import (
    line_to,
    make_authority,
    need_baresip,
    running_phone,
    until,
)
from tests.voip.simulated import simulated
from voip.errors import MalformedError, UnreachableError
from voip.gateway.bridge import Bridge
from voip.gateway.counts import FrameCount
from voip.gateway.joined import Joined
from voip.gateway.sip.account import SipAccount, parse_account
from voip.gateway.sip.call import Answered, CallOver, Happened, Pressed, SipCall
from voip.gateway.sip.frames import (
    THEIRS_SDP,
    Command,
    Event,
    FrameReader,
    Order,
    Said,
    Sound,
)
from voip.gateway.sip.leg import MAX_HAPPENED, SipLeg
from voip.gateway.sip.mark import expected
from voip.gateway.sip.telephone import MOVE_S, UNCHECKED, Telephone, who_is
from voip.media.sources import SILENCE
from voip.signalling.legs import (
    LegEnd,
    LegReason,
    Legs,
    LegsAck,
    LegStage,
    Mark,
    Shown,
)

ACCOUNT = """\
account sip:gateway@pbx.example
allow sip:+4930*@pbx.example
"""
URI = "sip:+4930123@pbx.example"
OTHER = "sip:+493099@pbx.example"
SUITE = "AES_CM_128_HMAC_SHA1_80"
LOUD = b"\x10\x20" * 960


class StandInLine:
    """An account whose worker is the test."""

    def __init__(self, account: SipAccount, *, may_be_weak: bool = False) -> None:
        self.account = account
        self.legs: list[SipLeg] = []
        self.sent: list[Command] = []
        self.is_down = False
        self._may_be_weak = may_be_weak
        self._over: set[int] = set()

    def dial(self, uri: str, *, video: bool = False) -> SipLeg:
        if self.is_down:
            raise UnreachableError("the SIP worker is being started again")
        number = len(self.legs) + 1
        self.sent.append(Command(Order.DIAL, number, uri, video))
        return self.add(number, uri, came=False)

    def add(self, number: int, peer: str, *, came: bool) -> SipLeg:
        rules = SipCall(
            number,
            self.account,
            may_be_weak=self._may_be_weak,
            came=came,
            now=asyncio.get_running_loop().time(),
        )
        leg = SipLeg(
            number,
            rules,
            peer=peer,
            is_incoming=came,
            mark=expected(self.account),
            send=self._send,
            spare=lambda _: None,
            over=self._over.add,
            heard=FrameCount(),
            said=FrameCount(),
        )
        self.legs.append(leg)
        return leg

    def _send(self, data: bytes) -> None:
        for frame in FrameReader().feed(data):
            assert isinstance(frame, Command)
            self.sent.append(frame)

    def say(self, said: Said, text: str = "", status: int = 0, *, to: int = -1) -> None:
        """Have the worker tell something of the newest call, or of another."""
        leg = self.legs[to]
        leg.tell(Event(said, self.legs.index(leg) + 1, status, text))

    def take_up(self, *, to: int = -1, suite: str = "") -> None:
        """Have the telephone answer, with good keys if no others are named."""
        self.say(Said.ENCRYPTED, f"0,audio,{suite or SUITE}", to=to)
        self.say(Said.ESTABLISHED, to=to)


class Scene:
    """A gateway with one telephone and bob, who is told of it."""

    def __init__(self, text: str, *, may_be_weak: bool) -> None:
        self.line = StandInLine(parse_account(text.encode()), may_be_weak=may_be_weak)
        self.bridge = Bridge()
        self.joined = Joined()
        self.told: list[Legs | LegEnd] = []
        self.happened: list[Happened] = []
        self.bob = self.bridge.port("bob")
        self.peer = self.joined.add_peer("bob", self.told.append, self.bob)
        self.port = self.bridge.port("telephone")
        self.phone = Telephone(
            self.line, self.joined, self.port, tell=self.happened.append
        )

    def agree(self, answer: Shown = Shown.SHOWN) -> None:
        self.peer.acknowledge(LegsAck(self.joined.legs.version, answer))

    def hears(self) -> bytes:
        """Have the telephone say something; gives what bob hears."""
        self.line.legs[-1].hear(Sound(1, 0, LOUD))
        return self.bob.listen()

    @property
    def orders(self) -> list[Order]:
        return [command.order for command in self.line.sent]

    @property
    def name(self) -> str:
        """Who is at the telephone, as everybody was told."""
        return self.joined.legs.legs[0].name

    async def transferred(self, suite: str = "") -> None:
        """Have the telephone send us to another, bob agree, and the worker call."""
        self.line.take_up(suite=suite)
        await settle()
        self.agree()
        self.line.say(Said.REFERRED, OTHER)
        await settle()
        self.agree()
        await settle()
        second = self.line.add(2, OTHER, came=False)
        self.line.legs[0].replace(second)
        await settle()

    @asynccontextmanager
    async def call(self) -> AsyncIterator[asyncio.Task[CallOver]]:
        """Announce a call, have bob agree, and dial."""
        self.phone.announce("+4930123")
        self.agree()
        holding = asyncio.create_task(self.phone.dial(URI))
        await settle()
        yield holding
        if not holding.done():
            self.line.say(Said.CLOSED, "Call ended", to=0)
            await holding


def scene(text: str = ACCOUNT, *, may_be_weak: bool = False) -> Scene:
    return Scene(text, may_be_weak=may_be_weak)


async def settle() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


@simulated
async def test_nobody_is_called_before_everybody_knows() -> None:
    here = scene()
    here.phone.announce("+4930123")
    holding = asyncio.create_task(here.phone.dial(URI))
    await settle()
    before = list(here.line.sent)
    here.agree()
    await settle()
    here.line.say(Said.CLOSED, "", 486)
    over = await holding

    assert (before, here.line.sent) == ([], [Command(Order.DIAL, 1, URI)])
    assert over.reason is LegReason.BUSY


@simulated
async def test_nobody_is_called_before_who_came_later_knows() -> None:
    here = scene()
    here.phone.announce("+4930123")
    here.agree()
    carol = here.joined.add_peer("carol", here.told.append, here.bridge.port("carol"))
    holding = asyncio.create_task(here.phone.dial(URI))
    await settle()
    before = list(here.line.sent)
    carol.acknowledge(LegsAck(here.joined.legs.version, Shown.SHOWN))
    await settle()
    here.line.say(Said.CLOSED, "", 486)
    await holding

    assert (before, here.line.sent) == ([], [Command(Order.DIAL, 1, URI)])


@simulated
async def test_nobody_is_called_for_those_who_have_left() -> None:
    here = scene()
    here.phone.announce("+4930123")
    holding = asyncio.create_task(here.phone.dial(URI))
    await settle()
    here.peer.leave()
    over = await holding

    assert (over.reason, here.line.sent) == (LegReason.REFUSED_BY_PEER, [])
    assert here.joined.legs.legs == ()


@simulated
async def test_who_gives_up_before_anybody_was_called_has_hung_up() -> None:
    here = scene()
    here.phone.announce("+4930123")
    holding = asyncio.create_task(here.phone.dial(URI))
    await settle()
    here.phone.hang_up()
    over = await holding

    assert (over.reason, here.line.sent) == (LegReason.NORMAL, [])


@simulated
async def test_what_is_told_promises_no_suite() -> None:
    here = scene()
    ticket = here.phone.announce("+4930123")

    assert (ticket.leg.mark, ticket.leg.suite, ticket.leg.authenticated) == (
        Mark.TO_PBX,
        UNCHECKED,
        True,
    )


@simulated
async def test_a_refusal_calls_nobody() -> None:
    here = scene()
    here.phone.announce("+4930123")
    holding = asyncio.create_task(here.phone.dial(URI))
    await settle()
    here.agree(Shown.REFUSED)
    over = await holding

    assert (over.reason, here.line.sent) == (LegReason.REFUSED_BY_PEER, [])


@simulated
async def test_bob_hears_the_telephone_once_it_is_safe() -> None:
    here = scene()
    async with here.call():
        here.line.say(Said.ESTABLISHED)
        before = here.hears()
        here.line.say(Said.ENCRYPTED, f"0,audio,{SUITE}")
        await settle()
        after = here.hears()

    assert (before, after) == (SILENCE, LOUD)


@simulated
async def test_the_telephone_hears_bob_once_it_is_safe() -> None:
    here = scene()
    async with here.call():
        here.bob.say(LOUD)
        before = here.line.legs[0].hear(Sound(1, 0, b""))
        here.line.take_up()
        await settle()
        here.bob.say(LOUD)
        after = here.line.legs[0].hear(Sound(1, 0, b""))

    assert before is None
    assert after is not None
    assert after.endswith(LOUD)


@simulated
async def test_the_suite_is_told_without_asking_again() -> None:
    here = scene()
    async with here.call():
        here.line.take_up()
        await settle()
        listed = here.joined.legs.legs[0]

    assert (listed.suite, listed.stage, here.port.is_open) == (
        SUITE,
        LegStage.JOINED,
        False,
    )


@simulated
async def test_weaker_than_told_shuts_until_everybody_knows() -> None:
    here = scene(ACCOUNT + "unencrypted allowed\n", may_be_weak=True)
    async with here.call():
        here.line.say(Said.ENCRYPTED, "0,audio,NULL_HMAC_SHA1_80")
        here.line.say(Said.ESTABLISHED)
        await settle()
        before = here.joined.legs.legs[0].mark, here.hears()
        here.agree()
        await settle()
        after = here.hears()

    assert (before, after) == ((Mark.NOT_ENCRYPTED, SILENCE), LOUD)


@simulated
async def test_a_change_of_media_is_heard_by_nobody() -> None:
    here = scene()
    async with here.call():
        here.line.take_up()
        await settle()
        here.line.say(Said.OFFER, THEIRS_SDP)
        heard = here.hears()

    assert heard == SILENCE


@simulated
async def test_the_end_is_told_with_its_reason() -> None:
    here = scene()
    async with here.call() as holding:
        here.line.say(Said.CLOSED, "Busy Here", 486)
        await holding

    assert (
        here.told[-1] == Legs(here.joined.legs.version)
        or LegEnd(1, LegReason.BUSY, status=486, text="the line is busy") in here.told
    )


@simulated
async def test_hanging_up_ends_the_telephone() -> None:
    here = scene()
    async with here.call():
        here.line.take_up()
        await settle()
        here.phone.hang_up()

        assert here.orders[-1] is Order.END


@simulated
async def test_who_is_cancelled_hangs_up() -> None:
    here = scene()
    async with here.call() as holding:
        holding.cancel()
        await asyncio.wait([holding])

        assert here.orders == [Order.DIAL, Order.END]
        here.line.say(Said.CLOSED)
    assert holding.cancelled()


@simulated
async def test_digits_hold_and_transfer_reach_the_telephone() -> None:
    here = scene()
    async with here.call():
        here.line.take_up()
        await settle()
        here.phone.press("1#")
        here.phone.hold(on=True)
        held = here.joined.legs.legs[0].stage
        here.phone.transfer("sip:7@pbx.example")

        assert held is LegStage.HELD
        assert here.line.sent[1:] == [
            Command(Order.DIGITS, 1, "1#"),
            Command(Order.HOLD, 1, "", on=True),
            Command(Order.TRANSFER, 1, "sip:7@pbx.example"),
        ]


@simulated
async def test_a_hold_of_ours_is_silence_both_ways_at_once() -> None:
    here = scene()
    async with here.call():
        here.line.take_up()
        await settle()
        here.phone.hold(on=True)
        here.bob.say(LOUD)
        ours = here.line.legs[0].hear(Sound(1, 0, LOUD))
        heard = here.bob.listen()

    assert (ours, heard) == (None, SILENCE)


@simulated
async def test_a_resume_of_ours_is_heard() -> None:
    here = scene()
    async with here.call():
        here.line.take_up()
        await settle()
        here.phone.hold(on=True)
        here.phone.hold(on=False)

        assert here.hears() == LOUD


@simulated
async def test_without_a_call_there_is_nothing_to_press() -> None:
    here = scene()
    here.phone.press("1")
    here.phone.hold(on=True)
    here.phone.transfer("sip:7@pbx.example")
    here.phone.hang_up()

    assert here.line.sent == []


@simulated
async def test_their_digits_and_holds_are_told() -> None:
    digits: list[str] = []
    here = scene()
    here.phone.on_digit = digits.append
    async with here.call():
        here.line.take_up()
        here.line.say(Said.DIGIT, "5")
        here.line.say(Said.HELD)
        await settle()
        stage = here.joined.legs.legs[0].stage

    assert (digits, stage) == (["5"], LegStage.HELD)
    assert Pressed("5") in here.happened


@simulated
@pytest.mark.parametrize(
    ("target", "accepted"),
    [
        ("sip:+493099@pbx.example", True),
        ("sip:+4990099@pbx.example", False),
        ("sip:+493099@elsewhere.example", False),
        ("<sip:+493099@pbx.example?Replaces=1>", False),
        ("", False),
    ],
    ids=["allowed", "denied", "another host", "headers", "nothing"],
)
async def test_a_transfer_of_theirs_needs_a_rule(
    target: str, *, accepted: bool
) -> None:
    here = scene()
    async with here.call():
        here.line.take_up()
        here.line.say(Said.REFERRED, target)
        await settle()
        here.agree()
        await settle()

        assert here.line.sent[-1] == Command(Order.REFER, 1, target, on=accepted)


@simulated
async def test_who_is_transferred_to_takes_the_place() -> None:
    here = scene()
    async with here.call() as holding:
        await here.transferred()
        here.line.take_up()
        await settle()
        here.line.say(Said.CLOSED, "Call transfered", to=0)
        await settle()
        goes_on = not holding.done()
        heard = here.hears()
        here.line.say(Said.CLOSED)
        over = await holding

    assert (goes_on, heard, over.reason) == (True, LOUD, LegReason.NORMAL)


@simulated
async def test_nobody_else_is_called_before_everybody_has_shown_who() -> None:
    here = scene()
    async with here.call():
        here.line.take_up()
        await settle()
        here.line.say(Said.REFERRED, OTHER)
        await settle()
        before = here.orders[-1], here.hears(), here.name
        here.agree()
        await settle()

        assert here.orders[-1] is Order.REFER
    assert before == (Order.DIAL, SILENCE, "+493099, by +4930123")


@simulated
async def test_who_refuses_the_other_ends_the_call_and_nobody_is_called() -> None:
    here = scene()
    async with here.call() as holding:
        here.line.take_up()
        here.line.say(Said.REFERRED, OTHER)
        await settle()
        here.agree(Shown.REFUSED)
        await settle()
        here.line.say(Said.CLOSED, to=0)
        await holding

    assert here.line.sent[1:] == [
        Command(Order.END, 1),
        Command(Order.REFER, 1, OTHER),
    ]


@simulated
async def test_who_hangs_up_while_others_decide_is_gone_at_once() -> None:
    here = scene()
    async with here.call() as holding:
        here.line.take_up()
        here.line.say(Said.REFERRED, OTHER)
        await settle()
        here.line.say(Said.CLOSED, to=0)
        await holding

        assert asyncio.get_running_loop().time() < 1


@simulated
async def test_of_two_whom_they_name_at_once_the_second_is_not_called() -> None:
    here = scene()
    async with here.call():
        here.line.take_up()
        here.line.say(Said.REFERRED, OTHER)
        here.line.say(Said.REFERRED, "sip:+493077@pbx.example")
        await settle()
        here.agree()
        await settle()

        assert [each.on for each in here.line.sent[1:]] == [False, True]


@simulated
async def test_whom_the_worker_does_not_call_is_named_no_longer() -> None:
    here = scene()
    async with here.call():
        here.line.take_up()
        here.line.say(Said.REFERRED, OTHER)
        await settle()
        here.agree()
        await asyncio.sleep(MOVE_S + 0.1)

        assert here.name == "+4930123"


@simulated
async def test_who_did_not_answer_in_their_place_is_named_no_longer() -> None:
    here = scene()
    async with here.call():
        await here.transferred()
        here.line.say(Said.CLOSED, "", 486)
        await settle()
        named, heard = here.name, here.hears()
        here.agree()
        await settle()

        assert (named, heard) == ("+4930123", SILENCE)
        assert here.port.is_open


@simulated
async def test_who_answers_in_their_place_ends_the_other() -> None:
    here = scene()
    async with here.call():
        await here.transferred()
        here.line.take_up()
        await settle()

        assert here.line.sent[-1] == Command(Order.END, 1)
        here.line.say(Said.CLOSED)


@simulated
async def test_two_are_as_weak_as_the_weaker_of_them() -> None:
    here = scene(ACCOUNT + "unencrypted allowed\n", may_be_weak=True)
    async with here.call():
        await here.transferred("NULL_HMAC_SHA1_80")
        here.line.take_up()
        await settle()
        both = here.joined.legs.legs[0].mark
        here.line.say(Said.CLOSED, to=0)
        await settle()
        one = here.joined.legs.legs[0].mark
        here.line.say(Said.CLOSED)

    assert (both, one) == (Mark.NOT_ENCRYPTED, Mark.TO_PBX)


@simulated
async def test_what_takes_the_place_of_a_call_that_is_over_is_ended() -> None:
    here = scene()
    async with here.call() as holding:
        here.line.take_up()
        here.line.say(Said.CLOSED)
        await holding
        second = here.line.add(2, "sip:+493099@pbx.example", came=False)
        here.line.legs[0].replace(second)

    assert here.line.sent[-1] == Command(Order.END, 2)


@simulated
async def test_what_takes_the_place_of_a_call_that_we_leave_is_ended() -> None:
    here = scene()
    async with here.call() as holding:
        here.line.take_up()
        await settle()
        second = here.line.add(2, "sip:+493099@pbx.example", came=False)
        here.line.legs[0].replace(second)
        holding.cancel()
        await asyncio.wait([holding])

        assert Command(Order.END, 2) in here.line.sent
        here.line.say(Said.CLOSED, to=0)


@simulated
async def test_hanging_up_during_a_transfer_ends_both_calls() -> None:
    here = scene()
    async with here.call():
        here.line.take_up()
        await settle()
        here.line.legs[0].replace(here.line.add(2, URI, came=False))
        await settle()
        here.phone.hang_up()
        ended = {each.call for each in here.line.sent if each.order is Order.END}
        here.line.say(Said.CLOSED)

    assert ended == {1, 2}


@simulated
async def test_what_takes_the_place_after_we_hung_up_is_ended() -> None:
    here = scene()
    async with here.call():
        here.line.take_up()
        await settle()
        here.phone.hang_up()
        here.line.legs[0].replace(here.line.add(2, URI, came=False))
        await settle()
        ended = {each.call for each in here.line.sent if each.order is Order.END}
        here.line.say(Said.CLOSED)

    assert ended == {1, 2}


@simulated
async def test_keys_a_stranger_presses_all_day_are_dropped_and_end_nothing() -> None:
    here = scene()
    async with here.call() as holding:
        for _ in range(MAX_HAPPENED + 1):
            here.line.say(Said.DIGIT, "5")
        await settle()

        assert not holding.done()
        assert here.happened == [Pressed("5")] * MAX_HAPPENED


@simulated
async def test_a_call_whose_mark_nobody_would_hear_of_is_ended() -> None:
    here = scene(ACCOUNT + "unencrypted allowed\n", may_be_weak=True)
    async with here.call() as holding:
        here.line.take_up()
        await settle()
        for _ in range(MAX_HAPPENED):
            here.line.say(Said.DIGIT, "5")
        here.line.say(Said.ENCRYPTED, "0,audio,NULL_HMAC_SHA1_80")
        heard = here.hears()
        over = await holding

    assert (heard, over.reason) == (SILENCE, LegReason.SECURITY)
    assert here.orders[-1] is Order.END


@simulated
async def test_what_takes_the_place_of_a_call_that_nobody_follows_is_ended() -> None:
    here = scene()
    async with here.call() as holding:
        here.line.take_up()
        await settle()
        for _ in range(MAX_HAPPENED):
            here.line.say(Said.DIGIT, "5")
        here.line.legs[0].replace(here.line.add(2, URI, came=False))
        await settle()

        assert here.line.sent[-1] == Command(Order.END, 2)
        assert not holding.done()


@simulated
async def test_a_call_that_comes_is_answered_once_everybody_knows() -> None:
    here = scene()
    leg = here.line.add(1, "sip:200@pbx.example", came=True)
    here.phone.announce(who_is(leg.peer))
    holding = asyncio.create_task(here.phone.take(leg))
    await settle()
    before = list(here.orders)
    here.agree()
    await settle()
    answered = list(here.orders)
    here.line.say(Said.CLOSED)
    await holding

    assert (before, answered) == ([], [Order.ANSWER])


@simulated
async def test_a_call_that_nobody_wants_is_ended() -> None:
    here = scene()
    leg = here.line.add(1, "sip:200@pbx.example", came=True)
    here.phone.announce(who_is(leg.peer))
    holding = asyncio.create_task(here.phone.take(leg))
    await settle()
    here.agree(Shown.REFUSED)
    await holding

    assert here.orders == [Order.END]


@simulated
async def test_without_a_worker_the_leg_ends_as_unreachable() -> None:
    here = scene()
    here.line.is_down = True
    here.phone.announce("+4930123")
    here.agree()
    over = await here.phone.dial(URI)

    assert over.reason is LegReason.UNREACHABLE
    assert here.joined.legs.legs == ()


@simulated
async def test_what_is_no_uri_is_refused_before_anybody_waits() -> None:
    here = scene()
    here.phone.announce("x")

    with pytest.raises(MalformedError, match="begins with sip:"):
        await here.phone.dial("tel:123")


@simulated
async def test_a_telephone_that_never_answers_is_given_up() -> None:
    here = scene()
    async with here.call() as holding:
        await asyncio.sleep(33)
        over = await holding

    assert (over.reason, here.orders) == (
        LegReason.NO_ANSWER,
        [Order.DIAL, Order.END],
    )


def test_who_calls_is_shown_without_what_moves_the_cursor() -> None:
    assert who_is("sip:20\x1b[2J0@pbx.example") == "20[2J0"


@pytest.mark.slow
async def test_a_real_telephone_that_sends_us_on_is_followed_once_bob_knows(
    tmp_path: Path,
) -> None:
    need_baresip()
    authority = make_authority(tmp_path / "authority")
    async with (
        running_phone(tmp_path / "phone", authority) as phone,
        line_to(phone, authority, f"allow {phone.uri()}") as line,
        Bridge() as bridge,
    ):
        await line.registered()
        joined, told = Joined(), list[Legs | LegEnd]()
        bob = joined.add_peer("bob", told.append, bridge.port("bob"))
        port = bridge.port("telephone")
        happened: list[Happened] = []
        telephone = Telephone(line, joined, port, tell=happened.append)

        def agree() -> None:
            bob.acknowledge(LegsAck(joined.legs.version, Shown.SHOWN))

        telephone.announce("office")
        agree()
        holding = asyncio.create_task(telephone.dial(phone.uri()))
        await until(lambda: telephone.is_safe)
        # By our exchange, which is the telephone itself, as everything is.
        await phone.command("transfer", phone.uri())
        await until(lambda: joined.legs.legs[0].name == "phone, by office")
        shut = not port.is_open
        answered = happened.count(Answered())
        agree()
        await until(lambda: happened.count(Answered()) == 2)
        telephone.hang_up()
        over = await holding

    assert (shut, answered) == (True, 1)
    assert over.reason is LegReason.NORMAL
