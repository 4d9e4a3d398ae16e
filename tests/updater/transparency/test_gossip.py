"""Two ends compare their logs, over good links and bad ones."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.transparency.worlds import Log, World, junk
from updater.errors import ProofError
from updater.transparency.checkpoint import merge_lines, open_checkpoint
from updater.transparency.evidence import name, parse_evidence, verify
from updater.transparency.frames import (
    Answer,
    Body,
    Consistency,
    Done,
    NotePart,
    Offer,
    Row,
    Verdict,
    format_frame,
    log_id,
    parse_frame,
)
from updater.transparency.gossip import (
    EXCHANGE_S,
    MAX_FRAMES,
    Exchange,
    Head,
    Outcome,
    PeerHead,
    first_at,
    is_due,
)
from updater.transparency.key import Kind, SigningKey

XID = bytes(8)
MAIN = Log()
LOG = log_id(MAIN.origin)


@dataclass
class Known:
    """A view of logs in memory, each at a head that a quorum signed."""

    logs: Sequence[Log]
    has_quorum: bool = True
    lacks_tiles: bool = False
    opened: list[str] = field(default_factory=list)

    def heads(self) -> Sequence[Head]:
        return [
            Head(
                log.origin,
                log.size,
                root=log.root,
                note=log.note or log.checkpoint(),
                log_key=log.key.verifier,
            )
            for log in self.logs
        ]

    def open(self, origin: str, note: bytes) -> PeerHead:
        self.opened.append(origin)
        found = open_checkpoint(note, [self._log(origin).key.verifier]).checkpoint
        return PeerHead(found.size, found.root, has_quorum=self.has_quorum)

    def root_at(self, origin: str, size: int) -> bytes:
        if self.lacks_tiles:
            raise ProofError("tiles are gone")
        return self._log(origin).root_at(size)

    def prove(self, origin: str, size: int) -> Sequence[bytes]:
        return self._log(origin).prove(size)

    def _log(self, origin: str) -> Log:
        return next(log for log in self.logs if log.origin == origin)


Tamper = Callable[[list[bytes]], list[bytes]]


@dataclass
class Meeting:
    """A call of two people; `frames` is everything that was said."""

    alice: Exchange
    bob: Exchange
    frames: list[tuple[str, bytes]] = field(default_factory=list)

    def go(self, tamper: Tamper = lambda frames: frames) -> "Meeting":
        """Carry frames until nobody has anything to say."""
        self.bob.start(0.0)
        waiting = [("alice", each) for each in tamper(self.alice.start(0.0))]
        while waiting:
            who, frame = waiting.pop(0)
            self.frames.append((who, frame))
            other = self.bob if who == "alice" else self.alice
            name = "bob" if who == "alice" else "alice"
            waiting += [(name, each) for each in tamper(other.receive(frame, 1.0))]
        return self

    def said(self) -> list[str]:
        """Write down who said what."""
        return [
            f"{who} {type(parse_frame(frame)[1]).__name__}"
            for who, frame in self.frames
        ]

    def verdicts(self) -> tuple[list[Verdict], list[Verdict]]:
        return verdicts(self.alice), verdicts(self.bob)


def meet(
    alice: Known, bob: Known, *, conflict_only: bool = False, max_frame: int = 4_000
) -> Meeting:
    def side(view: Known, *, initiator: bool) -> Exchange:
        return Exchange(
            view,
            initiator=initiator,
            entropy=bytes,
            max_frame=max_frame,
            conflict_only=conflict_only,
        )

    return Meeting(side(alice, initiator=True), side(bob, initiator=False))


def outcomes(exchange: Exchange) -> tuple[Outcome, ...]:
    assert exchange.result is not None
    return exchange.result.outcomes


def verdicts(exchange: Exchange) -> list[Verdict]:
    return [each.verdict for each in outcomes(exchange)]


def ending(exchange: Exchange) -> str | None:
    return exchange.result.ending if exchange.result else None


def log_of(size: int, seed: int = 1, key: SigningKey = MAIN.key) -> Log:
    return Log(key, junk(seed, size))


def known(size: int, seed: int = 1, *, has_quorum: bool = True) -> Known:
    return Known([log_of(size, seed)], has_quorum)


def test_equal_heads_are_the_same() -> None:
    meeting = meet(known(5), known(5)).go()

    assert meeting.said() == [
        "alice Offer",
        "bob Answer",
        "bob Done",
        "alice Done",
    ]
    assert meeting.verdicts() == ([Verdict.SAME], [Verdict.SAME])
    assert ending(meeting.alice) == ending(meeting.bob) == "done"


def test_who_is_ahead_proves_it() -> None:
    meeting = meet(known(9), known(5)).go()

    assert meeting.said() == [
        "alice Offer",
        "bob Answer",
        "alice NotePart",
        "alice Consistency",
        "alice Done",
        "bob Done",
    ]
    assert meeting.verdicts() == ([Verdict.CONSISTENT], [Verdict.CONSISTENT])


def test_who_is_behind_learns_the_larger_head() -> None:
    meeting = meet(known(5), known(9)).go()

    (ours,), (theirs,) = outcomes(meeting.alice), outcomes(meeting.bob)
    assert ours.learned == log_of(9).checkpoint()
    assert theirs.learned is None
    assert ours.size == theirs.size == 5


def test_a_head_without_our_quorum_is_not_learned() -> None:
    meeting = meet(known(5, has_quorum=False), known(9)).go()

    assert outcomes(meeting.alice)[0].learned is None


@pytest.mark.parametrize("conflict_only", [False, True])
@pytest.mark.parametrize("sizes", [(5, 9), (9, 5), (7, 7)])
def test_two_histories_are_proven_to_both(
    sizes: tuple[int, int], *, conflict_only: bool
) -> None:
    alice, bob = known(sizes[0], 1), known(sizes[1], 2)
    meeting = meet(alice, bob, conflict_only=conflict_only).go()

    ours, theirs = (outcomes(each)[0].evidence for each in (meeting.alice, meeting.bob))
    assert meeting.verdicts() == ([Verdict.FORK], [Verdict.FORK])
    assert ours is not None
    assert ours == theirs
    verify(parse_evidence(ours), MAIN.key.verifier)


def test_the_worked_example_of_the_format_is_said_like_this() -> None:
    alice = Known([Log(leaves=[b"a", b"b", b"c"])])
    bob = Known([Log(leaves=[b"a", b"b", b"d", b"e"])])

    meeting = meet(alice, bob).go()

    assert meeting.said() == [
        "alice Offer",
        "bob Answer",
        "bob NotePart",
        "bob Consistency",
        "bob Done",
        "alice NotePart",
        "alice Done",
    ]
    evidence = outcomes(meeting.alice)[0].evidence or b""
    assert name(evidence).startswith("9eec2f6e9ab973bf")
    frame = meeting.frames[0][1]
    assert frame[13:].hex() == f"01{LOG.hex()}{3:016x}{alice.logs[0].root.hex()}"


def test_notes_follow_only_a_mismatch_if_so_wished() -> None:
    meeting = meet(known(9), known(5), conflict_only=True).go()

    assert not [each for each in meeting.said() if "Note" in each]
    assert meeting.verdicts() == ([Verdict.CONSISTENT], [Verdict.CONSISTENT])
    assert outcomes(meeting.bob)[0].learned is None


def test_an_empty_log_is_consistent_with_every_other() -> None:
    meeting = meet(known(9), known(0)).go()

    assert meeting.verdicts()[1] == [Verdict.CONSISTENT]
    assert "alice Consistency" not in meeting.said()


def test_nothing_is_said_of_an_empty_log_if_notes_follow_only_a_mismatch() -> None:
    meeting = meet(known(9), known(0), conflict_only=True).go()

    assert meeting.verdicts() == ([Verdict.DECLINED], [Verdict.DECLINED])


def test_only_logs_that_both_know_are_spoken_of() -> None:
    key = SigningKey("bt.example/ringfence/2", Kind.LOG, seed=b"\x02" * 32)
    alice = Known([log_of(9), log_of(4, 3, key)])
    meeting = meet(alice, known(5)).go()

    assert [each.origin for each in outcomes(meeting.alice)] == [MAIN.origin]


def test_each_may_be_ahead_in_another_log() -> None:
    key = SigningKey("bt.example/ringfence/2", Kind.LOG, seed=b"\x02" * 32)
    alice = Known([log_of(9), log_of(4, 3, key)])
    bob = Known([log_of(5), log_of(6, 3, key)])

    meeting = meet(alice, bob).go()

    assert meeting.verdicts() == (2 * [Verdict.CONSISTENT], 2 * [Verdict.CONSISTENT])
    assert ending(meeting.alice) == "done"


def test_who_knows_no_log_offers_nothing() -> None:
    alice = Exchange(Known([]), initiator=True, entropy=bytes)

    assert alice.start(0.0) == []
    assert ending(alice) == "nothing"


def test_a_long_note_goes_in_parts() -> None:
    world = World()
    world.log.leaves += junk(1, 9)
    world.publish()
    for second in range(5):
        for witness in world.witnesses:
            line = witness.cosign(world.log.note, world.now + second)
            world.log.note = merge_lines(world.log.note, line)
    meeting = meet(Known([world.log]), known(5), max_frame=2_176).go()

    assert meeting.said().count("alice NotePart") > 1
    assert meeting.verdicts()[1] == [Verdict.CONSISTENT]


def test_a_note_too_long_to_send_is_declined() -> None:
    alice = known(9)
    alice.logs[0].note = log_of(9).checkpoint() + b"x" * 9_000

    meeting = meet(alice, known(5), max_frame=2_176).go()

    assert meeting.verdicts() == ([Verdict.DECLINED], [Verdict.DECLINED])


def test_a_tree_without_tiles_proves_nothing() -> None:
    alice = known(9)
    alice.lacks_tiles = True

    meeting = meet(alice, known(5)).go()

    assert meeting.verdicts() == ([Verdict.DECLINED], [Verdict.DECLINED])


def answers(
    exchange: Exchange, *bodies: Body, xid: bytes = XID
) -> list[type[Body] | str]:
    """Say these to an exchange and give the kinds of what it answers, or its end."""
    said: list[type[Body] | str] = []
    for body in bodies:
        frames = exchange.receive(format_frame(xid, body), 1.0)
        said += [type(parse_frame(frame)[1]) for frame in frames]
    return [*said, *([exchange.result.ending] if exchange.result else [])]


def offered(size: int, seed: int = 1) -> Row:
    log = log_of(size, seed)
    return Row(LOG, size, root=log.root)


def noted(log: Log) -> NotePart:
    return NotePart(LOG, log.size, part=0, parts=1, data=log.checkpoint())


def proven(log: Log, old: int) -> Consistency:
    return Consistency(
        log=LOG,
        old=old,
        new=log.size,
        root=log.root_at(old),
        proof=tuple(log.prove(old)),
    )


def responder(view: Known | None = None) -> Exchange:
    exchange = Exchange(view or known(5), initiator=False, entropy=bytes)
    exchange.start(0.0)
    return exchange


def initiator(size: int = 5) -> Exchange:
    exchange = Exchange(known(size), initiator=True, entropy=bytes)
    exchange.start(0.0)
    return exchange


def test_a_proof_of_something_else_is_invalid_and_no_fork() -> None:
    bob = responder()
    lie = replace(proven(log_of(9), 5), root=bytes(32))

    said = answers(bob, Offer((offered(9),)), noted(log_of(9)), lie, Done(()))

    assert said == [Answer, Done, "done"]
    assert verdicts(bob) == [Verdict.INVALID]
    assert outcomes(bob)[0].evidence is None


def test_a_note_of_somebody_else_is_invalid() -> None:
    bob = responder()
    forger = SigningKey(MAIN.origin, Kind.LOG, seed=b"\x66" * 32)
    forged = log_of(9, 1, forger)

    answers(bob, Offer((offered(9),)), noted(forged), proven(forged, 5), Done(()))

    assert verdicts(bob) == [Verdict.INVALID]


def test_a_note_of_another_head_than_offered_is_invalid() -> None:
    bob = responder()

    answers(bob, Offer((offered(9, 2),)), noted(log_of(9)), Done(()))

    assert verdicts(bob) == [Verdict.INVALID]


def test_a_fork_that_only_the_peer_claims_is_none() -> None:
    alice = initiator(9)
    done = Done(((LOG, Verdict.FORK),))

    answers(alice, Answer((offered(5, 2),)), done)

    assert verdicts(alice) == [Verdict.DECLINED]


def test_what_the_peer_calls_invalid_is_told() -> None:
    alice = initiator(9)

    answers(alice, Answer((offered(5),)), Done(((LOG, Verdict.INVALID),)))

    assert verdicts(alice) == [Verdict.INVALID]


def test_a_note_that_is_in_our_tree_is_no_fork() -> None:
    alice = initiator(9)

    said = answers(alice, Answer((offered(5),)), noted(log_of(5)), Done(()))

    assert said == [NotePart, Consistency, Done, "done"]
    assert verdicts(alice) == [Verdict.DECLINED]


def test_a_fork_cannot_be_shown_without_tiles() -> None:
    view = known(9)
    alice = Exchange(view, initiator=True, entropy=bytes)
    alice.start(0.0)
    answers(alice, Answer((offered(5, 2),)))
    view.lacks_tiles = True

    answers(alice, noted(log_of(5, 2)), Done(()))

    assert verdicts(alice) == [Verdict.DECLINED]


def test_what_was_never_sent_is_declined() -> None:
    bob = responder()

    assert answers(bob, Offer((offered(9),)), Done(())) == [Answer, Done, "done"]
    assert verdicts(bob) == [Verdict.DECLINED]


def test_a_fork_is_waited_for_where_a_note_is_owed() -> None:
    bob = responder()
    other = log_of(9, 2)

    said = answers(bob, Offer((offered(9, 2),)), proven(other, 5), Done(()))

    assert said == [Answer, NotePart]
    assert answers(bob, noted(other)) == [Done, "done"]
    assert verdicts(bob) == [Verdict.FORK]


def test_what_comes_after_a_verdict_changes_nothing() -> None:
    bob = responder()
    good = log_of(9)

    said = answers(bob, Offer((offered(9),)), proven(good, 5), noted(good), Done(()))

    assert said == [Answer, Done, "done"]
    assert verdicts(bob) == [Verdict.CONSISTENT]


def test_a_proof_after_a_wrong_note_changes_nothing() -> None:
    bob = responder()
    note = replace(noted(log_of(9)), data=b"no note")

    said = answers(bob, Offer((offered(9),)), note, proven(log_of(9), 5), Done(()))

    assert said == [Answer, Done, "done"]
    assert verdicts(bob) == [Verdict.INVALID]


@pytest.mark.parametrize(
    ("bodies", "why"),
    [
        ((Answer(()),), "another exchange"),
        ((Offer((offered(9),)), Offer((offered(9),))), "out of its turn"),
        ((Offer((offered(9),)), Answer(())), "out of its turn"),
        ((Offer((offered(9),)), proven(log_of(9), 4)), "does not fit"),
        (
            (Offer((offered(9),)), proven(log_of(9, 2), 5), proven(log_of(9), 5)),
            "does not fit",
        ),
        ((Offer((offered(4),)), proven(log_of(9), 5)), "does not fit"),
        ((Offer((offered(9),)), noted(log_of(8))), "a part of a note"),
        (
            (Offer((offered(9),)), noted(log_of(9)), noted(log_of(9))),
            "a part of a note",
        ),
        ((Offer((replace(offered(9), log=bytes(32)),)), noted(log_of(9))), "not both"),
        ((Offer((offered(5),)), Done(()), Done(())), ""),
        ((Offer((offered(9),)), *(25 * [noted(log_of(9))])), "a part of a note"),
    ],
)
def test_a_frame_out_of_place_ends_the_exchange(
    bodies: tuple[Body, ...], why: str
) -> None:
    bob = responder()
    answers(bob, *bodies)

    assert bob.result is not None
    assert bob.result.ending == ("breach" if why else "done")
    assert why in bob.result.text


def test_an_answer_nobody_asked_for_ends_the_exchange() -> None:
    alice = initiator()

    said = answers(alice, Answer((replace(offered(9), log=bytes(32)),)))

    assert said == ["breach"]


def test_the_end_before_the_answer_is_out_of_its_turn() -> None:
    assert answers(initiator(), Done(())) == ["breach"]


def test_a_foreign_exchange_is_not_ours() -> None:
    assert answers(initiator(), Answer(()), xid=b"\x01" * 8) == ["breach"]


def test_after_the_end_nothing_is_answered() -> None:
    alice = initiator()
    alice.receive(b"", 1.0)

    assert alice.receive(format_frame(XID, Answer(())), 1.0) == []


def test_sixty_four_kilobytes_are_too_many() -> None:
    keys = [
        SigningKey(f"bt.example/ringfence/{number}", Kind.LOG, seed=b"\x01" * 32)
        for number in range(3)
    ]
    bob = responder(Known([log_of(5, 1, key) for key in keys]))
    logs = [log_id(key.name) for key in keys]
    answers(bob, Offer(tuple(replace(offered(9), log=log) for log in logs)))

    for log in logs:
        for part in range(4):
            answers(bob, NotePart(log, 9, part=part, parts=4, data=bytes(8_000)))

    assert bob.result is not None
    assert "more than 24 frames or 65536 bytes" in bob.result.text


def test_forty_signatures_are_looked_at_and_no_more() -> None:
    bob = responder()
    line = log_of(9).checkpoint().partition(b"\n\n")[2]
    note = log_of(9).checkpoint() + 40 * line

    answers(bob, Offer((offered(9),)), NotePart(LOG, 9, part=0, parts=1, data=note))

    assert bob.result is not None
    assert "more than 40 signatures" in bob.result.text


def test_an_exchange_ends_after_two_minutes() -> None:
    alice = initiator()
    alice.tick(EXCHANGE_S - 1)
    going = alice.result

    alice.tick(EXCHANGE_S)

    assert going is None
    assert ending(alice) == "timeout"


def test_it_starts_at_random_within_a_minute_of_a_call() -> None:
    assert first_at(100.0, bytes) == 120.0
    assert 159.9 < first_at(100.0, lambda size: b"\xff" * size) < 160.0


@pytest.mark.parametrize(
    ("last", "is_due_now"), [(None, True), (0.0, True), (401.0, False), (9e9, True)]
)
def test_a_peer_is_asked_once_an_hour(last: float | None, *, is_due_now: bool) -> None:
    assert is_due(last, 4_000.0) is is_due_now


def test_who_is_not_started_has_no_deadline() -> None:
    exchange = Exchange(known(5), initiator=True, entropy=bytes)
    exchange.tick(1e9)

    assert (exchange.deadline, exchange.result) == (None, None)


def test_agreement_is_only_what_was_found_good() -> None:
    meeting = meet(known(9), known(5)).go()
    other = meet(known(9, 1), known(5, 2)).go()

    assert meeting.alice.result is not None
    assert other.alice.result is not None
    assert len(meeting.alice.result.agreed) == 1
    assert other.alice.result.agreed == ()


@pytest.mark.parametrize("conflict_only", [False, True])
@given(seed=st.integers(0, 2**32), small=st.integers(0, 12), large=st.integers(0, 12))
def test_no_link_makes_a_fork_out_of_one_history(
    seed: int, small: int, large: int, *, conflict_only: bool
) -> None:
    luck = random.Random(seed)

    def tamper(frames: list[bytes]) -> list[bytes]:
        carried = []
        for frame in frames:
            match luck.randrange(8):
                case 0:
                    continue
                case 1:
                    carried += [frame, frame]
                case 2:
                    carried.insert(0, frame)
                case 3:
                    at = luck.randrange(len(frame))
                    change = bytes([frame[at] ^ 1 << luck.randrange(8)])
                    carried.append(frame[:at] + change + frame[at + 1 :])
                case _:
                    carried.append(frame)
        return carried

    meeting = meet(known(small), known(large), conflict_only=conflict_only).go(tamper)
    for side in (meeting.alice, meeting.bob):
        side.tick(EXCHANGE_S)

    assert all(
        each.evidence is None
        for side in (meeting.alice, meeting.bob)
        for each in outcomes(side)
    )
    assert max(len(meeting.frames), 1) <= 2 * MAX_FRAMES


@pytest.mark.parametrize("begin", [initiator, responder])
@given(frames=st.lists(st.binary(max_size=120), max_size=6))
def test_no_bytes_of_a_peer_are_an_error(
    begin: Callable[[], Exchange], frames: list[bytes]
) -> None:
    exchange = begin()
    for frame in frames:
        exchange.receive(b"RFG1" + frame, 1.0)

    assert exchange.result is None or exchange.result.ending == "breach"
