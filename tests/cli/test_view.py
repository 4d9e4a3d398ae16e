"""What the user of a call is shown, as text."""

from dataclasses import replace

import pytest

from cli.quality import Live
from cli.view import Seen, after, noted, numbered, own, render, sentence
from voip import news as n
from voip.call import State
from voip.events import End
from voip.identity.trust import Reason, Trust, TrustState
from voip.media.quality.diary import Entry
from voip.media.quality.figures import MediaStats
from voip.signalling.legs import LegKind, Legs, ListedLeg, Mark

_DAY = 1_795_305_655  # 2026-11-22
_NEW = Trust(TrustState.NEW, Reason.FIRST_CALL, since=_DAY)
_BROKEN = Trust(TrustState.BROKEN, Reason.MISMATCH, since=_DAY)
_WORDS = n.WordsKnown(("valve", "cute", "marble"), "1234567890")
_STATS = MediaStats(
    sent=50, received=49, dropped=1, send_epoch=2, receive_epochs=(2,), path="direct"
)
_SILENT = n.PeerChanged(held=True, muted=True, video=False)
_PLAIN = n.PeerChanged(held=False, muted=False, video=True)
_KEYS = (
    "keys: m mute  h hold  v video  s screen  w words  r record  t text  : order"
    "  q hang up"
)
_RECORDING = n.PeerChanged(held=False, muted=False, video=False, recording=True)


def _seen(*news: n.News, alias: str = "bob") -> Seen:
    seen = Seen(alias=alias)
    for second, each in enumerate(news):
        seen = after(seen, each, float(second))
    return seen


def _active(*news: n.News) -> Seen:
    path = n.PathChanged("direct")
    return _seen(path, n.StateChanged(State.ACTIVE), n.TrustKnown(_NEW, b""), *news)


def test_a_call_in_progress_is_drawn_whole() -> None:
    seen = _active(_WORDS, _SILENT, n.PeerCompared(matched=True), n.TextArrived("hi"))

    assert render(seen, 66.0, live=Live(Entry(65.0, _STATS, None))) == [
        "bob: connected, direct, 1:05",
        "trust: new since 2026-11-22: first call with this device; compare the words",
        "words: valve cute marble (1234567890)",
        "they say: the words match",
        "quality: nothing heard yet",
        "media: 50 packets sent, 49 received, 1 dropped; keys of epoch 2",
        "they: muted, on hold",
        "you: sound on",
        "  they write: hi",
        _KEYS,
    ]


_LEG = ListedLeg(
    1,
    LegKind.BROWSER,
    mark=Mark.BROWSER_GUEST,
    host="talk.example",
    name="\x1b[2JCarol",
)
_GUEST = n.LegsChanged(Legs(1, (_LEG,)), asks=True, via="bob")


def test_a_leg_stays_however_much_is_said_after_it() -> None:
    seen = _active(_GUEST)
    for _ in range(20):
        seen = after(seen, n.TextArrived("look over there"), 1.0)

    assert render(seen, 66.0)[2:5] == [
        "this call: browser guest",
        (
            "leg 1, browser '\\x1b[2JCarol': browser guest, trusts talk.example,"
            " words not compared, via bob; announced"
        ),
        "'legs accept' lets them hear and speak, 'legs refuse' does not",
    ]


def test_nobody_is_asked_about_what_was_answered() -> None:
    seen = _active(_GUEST, replace(_GUEST, asks=False))

    assert not [line for line in render(seen, 66.0) if "legs accept" in line]


def test_that_the_last_leg_left_is_said() -> None:
    gone = replace(_GUEST, legs=Legs(2), asks=False)

    assert sentence(gone) == "legs: none; nobody but the two of you"


def test_an_alarm_stays_however_much_is_said_after_it() -> None:
    seen = replace(_active(), alarm=("UPDATE LOG FORKED", "your updates are frozen"))
    for _ in range(20):
        seen = after(seen, n.TextArrived("look over there"), 1.0)

    assert render(seen, 66.0)[2:4] == ["UPDATE LOG FORKED", "your updates are frozen"]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.INVITED, "calling"),
        (State.CONFIRMED, "calling; their device answered"),
        (State.ALERTED, "ringing at their side"),
        (State.RINGING, "calling you"),
        (State.CONNECTING, "connecting"),
        (State.RECONNECTING, "connection lost; looking for another path"),
    ],
)
def test_a_state_is_said_as_it_is(state: State, said: str) -> None:
    assert render(_seen(n.StateChanged(state)), 0.0)[0] == f"bob: {said}"


@pytest.mark.parametrize("state", set(State) - {State.ALERTED})
def test_nothing_rings_before_they_say_so(state: State) -> None:
    drawn = "\n".join(render(_seen(n.StateChanged(state)), 0.0))

    assert "ringing" not in drawn + sentence(n.StateChanged(state))


def test_a_ringing_call_offers_two_keys() -> None:
    drawn = render(_seen(n.StateChanged(State.RINGING)), 0.0)

    assert drawn[-1] == "keys: a accept  d decline"


def test_a_call_that_is_not_up_can_be_given_up() -> None:
    assert render(_seen(n.StateChanged(State.INVITED)), 0.0)[-1] == "keys: q hang up"


def test_broken_trust_says_what_is_blocked() -> None:
    drawn = render(_active(n.TrustKnown(_BROKEN, b"")), 2.0)

    assert drawn[1:3] == [
        f"trust: BROKEN since 2026-11-22: {_BROKEN.reason}",
        "blocked: nothing is accepted by itself; microphone and camera stay closed",
    ]
    assert drawn[3] == f"you: microphone closed: {_BROKEN.reason}"
    assert "c continue" in drawn[4]


def test_who_continues_is_heard() -> None:
    seen = replace(_active(n.TrustKnown(_BROKEN, b"")), speaks_anyway=True, muted=True)

    assert "you: muted" in render(seen, 2.0)
    assert "m unmute" in render(seen, 2.0)[-1]


def test_our_own_words_are_not_beside_the_choices() -> None:
    options = (("a", "b", "c"), ("d", "e", "f"))
    drawn = render(
        replace(_active(_WORDS), options=options), 2.0, entry="which of these?"
    )

    assert drawn[2:] == [
        "  1  a b c",
        "  2  d e f",
        "  0  none of these",
        "you: sound on",
        "which of these?",
    ]


def test_an_ended_call_has_no_keys_and_no_clock() -> None:
    seen = _active(n.StateChanged(State.ENDED), n.Ended(End.HUNG_UP))

    assert render(seen, 9.0) == [
        "bob: over: hung up",
        "trust: new since 2026-11-22: first call with this device; compare the words",
        "you: sound on",
    ]


def test_a_reconnected_call_goes_on_counting() -> None:
    lost, back = n.StateChanged(State.RECONNECTING), n.StateChanged(State.ACTIVE)

    assert render(_active(lost, back), 61.0)[0] == "bob: connected, direct, 1:00"


def test_the_log_keeps_the_latest_lines() -> None:
    seen = Seen(alias="bob")
    for number in range(7):
        seen = noted(seen, str(number))

    assert seen.log == ("1", "2", "3", "4", "5", "6")


def test_who_is_recorded_sees_it_and_when_it_began() -> None:
    seen = after(_active(_RECORDING), _RECORDING, 3.0)

    assert "they: RECORDING THE CALL" in render(seen, 4.0)
    assert seen.log == ("they record this call from now on, as they say",)


def test_what_we_keep_and_show_is_said() -> None:
    seen = replace(_active(), screen=True, recording="a\x1b.mkv")

    assert own(seen) == "screen shown, recording into a\\x1b.mkv"
    assert "r stop recording" in render(seen, 2.0)[-1]


def test_who_pushes_to_talk_is_told_how() -> None:
    seen = replace(_active(), push_to_talk=True, muted=True)

    assert "you: muted; hold the space bar to speak" in render(seen, 2.0)


@pytest.mark.parametrize(
    ("seen", "sees"),
    [
        (_active(), False),
        (_active(_PLAIN), True),
        (_active(_RECORDING), False),
        (
            _active(n.PeerChanged(held=False, muted=False, video=False, screen=True)),
            True,
        ),
        (replace(_active(_PLAIN), held=True), False),
        (_active(_PLAIN, n.Ended(End.HUNG_UP)), False),
    ],
    ids=["unknown", "camera", "nothing", "screen", "held", "over"],
)
def test_pictures_are_seen_while_they_say_that_they_show_some(
    seen: Seen, *, sees: bool
) -> None:
    assert seen.sees_pictures is sees


@pytest.mark.parametrize(
    ("news", "line"),
    [
        (n.StateChanged(State.ENDED), ""),
        (n.StateChanged(State.RINGING), ""),
        (n.StateChanged(State.ACTIVE), "connected"),
        (_WORDS, "words: valve cute marble (1234567890)"),
        (n.PathChanged("relay"), "path: through a relay"),
        (n.PathWeakened(0.5), "nothing heard for 0.5 s"),
        (n.DigitArrived("#"), "they press #"),
        (n.EpochChanged(3), "fresh keys: epoch 3"),
        (_PLAIN, "they: video on"),
        (n.PeerCompared(matched=False), "they say: the words differ"),
        (
            n.MicrophoneClosed("the words differ"),
            "microphone closed: the words differ; 'continue' opens it for this call",
        ),
        (n.Warned("slow"), "warning: slow"),
        (n.FileArrived("map.txt", b"123"), "they send a file: map.txt, 3 bytes"),
        (n.Ended(End.BUSY), "over: busy"),
    ],
)
def test_a_piece_of_news_is_a_line(news: n.News, line: str) -> None:
    assert sentence(news) == line


@pytest.mark.parametrize(
    "news",
    [
        n.TextArrived("\x1b[2J\u202e"),
        n.Warned("\x1b\u202e"),
        n.FileArrived("\x1b", b""),
    ],
)
def test_what_comes_from_outside_is_escaped(news: n.News) -> None:
    shown = sentence(news) + "".join(render(_seen(news, alias="\x1b"), 0.0))

    assert shown.isprintable()


def test_other_news_changes_nothing_that_is_drawn() -> None:
    seen = _active()

    assert after(seen, n.EpochChanged(1), 9.0) == seen


def test_a_strict_user_sees_why_the_microphone_is_closed_until_words_match() -> None:
    seen = after(_active(), n.MicrophoneClosed("first call with this device"), 9.0)
    verified = Trust(TrustState.VERIFIED, Reason.WORDS, since=1)

    assert seen.closed == "first call with this device"
    assert after(seen, n.TrustKnown(verified, bytes(16)), 9.0).closed == ""


def test_choices_have_lines_of_their_own() -> None:
    assert numbered(()) == ["  0  none of these"]
