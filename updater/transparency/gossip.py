"""Two peers compare what their logs told them, over any channel they share.

A log that shows two people two histories cannot be caught by either alone. Here both
say which heads they accepted; the one who is ahead proves that its tree grew out of the
other's. A proof that leads elsewhere, under two heads that the log signed, is evidence
which both then hold. Pure: frames and the time in, frames out::

    initiator                       responder
    OFFER  ------------------------>
           <------------------------  ANSWER          logs that both know
    NOTE, PROOF ------------------->                  where it is ahead
           <------------------------  NOTE, PROOF     where the other is
           <------------------------  NOTE            only of a fork, or of equal sizes
    DONE   <----------------------->  DONE            own verdicts

Each side judges the logs in which it is not ahead and ends with DONE as soon as it has;
after DONE comes nothing but a NOTE that answers a NOTE. What breaks a limit ends the
exchange and proves nothing. The channel must keep frames whole and in order; it should
be encrypted from end to end, though no frame holds a secret.

What is offered is only what the policy's quorum accepted here, so that no log can mark
somebody with a tree of their own. The format: docs/formats/log-client.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from updater.errors import MalformedError, ProofError, RefusedError, UpdateError
from updater.transparency.evidence import build_fork, format_evidence
from updater.transparency.frames import (
    MAX_LOGS,
    XID_SIZE,
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
    split_note,
)
from updater.transparency.key import VerifierKey
from updater.transparency.merkle import check_consistency

FRAME_BYTES = 4_000
"""The longest frame that is sent, unless the channel takes less."""
LEAST_FRAME_BYTES = 2_176
"""The longest proof must fit."""
EXCHANGE_S = 120.0
"""An exchange ends after so long; a call's control channel has 630 bytes a second."""
PAUSE_S = (20.0, 60.0)
"""It starts so long after a call stands, at random: not a part of how calls begin."""
PEER_S = 3_600.0
"""One exchange with a peer in so long."""
MAX_FRAMES = 24
"""Each way; four logs with notes in four parts take 22."""
MAX_BYTES = 65_536
"""Each way."""
MAX_CHECKS = 40
"""Signatures that a peer can have us look at: a few milliseconds."""

Ending = Literal["done", "nothing", "timeout", "breach"]


@dataclass(frozen=True, slots=True)
class Head:
    """A checkpoint that was accepted here with the quorum of the policy."""

    origin: str
    size: int
    root: bytes = field(kw_only=True)
    note: bytes = field(kw_only=True, repr=False)
    """Cut to what a peer needs: the log's own line and the fewest cosignatures."""
    log_key: VerifierKey = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class PeerHead:
    """A peer's checkpoint that the log signed."""

    size: int
    root: bytes
    has_quorum: bool = field(kw_only=True)
    """Whether it meets the quorum of our own policy."""


class View(Protocol):
    """What an exchange asks of those who know the logs; nobody else is asked."""

    def heads(self) -> Sequence[Head]:
        """Give the accepted heads, those of the built-in policy first."""

    def open(self, origin: str, note: bytes) -> PeerHead:
        """Check that the log signed a note.

        Raises:
            RefusedError: it did not, or the note is none.
        """

    def root_at(self, origin: str, size: int) -> bytes:
        """Give the root that the accepted tree had at a smaller size.

        Raises:
            UpdateError: it cannot be had without asking somebody.
        """

    def prove(self, origin: str, size: int) -> Sequence[bytes]:
        """Prove a smaller size against the accepted tree; raises as `root_at`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one log.

    Attributes:
        verdict: where the peer was to judge, what it says; never a fork that nothing
            proves.
        size: the smaller of both sizes.
        learned: the note of a larger head that our next update must reach.
        evidence: of a fork, to be kept; in the form of `evidence`.
    """

    origin: str
    verdict: Verdict
    size: int = field(kw_only=True)
    learned: bytes | None = field(default=None, kw_only=True, repr=False)
    evidence: bytes | None = field(default=None, kw_only=True, repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an exchange; silence is no agreement."""

    ending: Ending
    outcomes: tuple[Outcome, ...]
    text: str = ""
    """Which limit was broken, for a breach."""

    @property
    def agreed(self) -> tuple[Outcome, ...]:
        """The logs of which both have one history."""
        good = (Verdict.SAME, Verdict.CONSISTENT)
        return tuple(each for each in self.outcomes if each.verdict in good)


def first_at(now: float, entropy: Callable[[int], bytes]) -> float:
    """Choose when to start, for a call that stands at `now`."""
    least, most = PAUSE_S
    return now + least + (most - least) * int.from_bytes(entropy(4), "big") / 2**32


def is_due(last: float | None, now: float) -> bool:
    """Tell whether a peer may be asked, or heard, again."""
    return last is None or not 0 <= now - last < PEER_S


class Exchange:
    """One side of one exchange with one peer.

    Args:
        view: what is known here.
        initiator: whether this side offers first; the caller of a call does.
        entropy: as `os.urandom`.
        max_frame: the longest frame that the channel takes, in bytes.
        conflict_only: send notes only after a mismatch: a server could have handed out
            cosignature times to each client alone, and notes would show them.
    """

    def __init__(
        self,
        view: View,
        *,
        initiator: bool,
        entropy: Callable[[int], bytes],
        max_frame: int = FRAME_BYTES,
        conflict_only: bool = False,
    ) -> None:
        assert max_frame >= LEAST_FRAME_BYTES
        self.deadline: float | None = None
        """When `tick` has something to do; None before `start`."""
        self.result: Result | None = None
        """None as long as the exchange goes on."""
        self._view = view
        self._is_initiator = initiator
        self._max_frame = max_frame
        self._conflict_only = conflict_only
        self._xid = entropy(XID_SIZE) if initiator else b""
        self._own = {log_id(each.origin): each for each in view.heads()[:MAX_LOGS]}
        self._talks: dict[bytes, _Talk] | None = None  # None until both have offered
        self._received = _Budget("the peer sent")
        self._sent = _Budget("we sent")
        self._checks = 0
        self._has_ended_ours = self._has_ended_theirs = False

    def start(self, now: float) -> list[bytes]:
        """Begin; `now` in seconds of any clock that only rises."""
        self.deadline = now + EXCHANGE_S
        if not self._own:
            self._end("nothing")
        if not self._is_initiator or self.result is not None:
            return []
        return self._send([Offer(self._rows(self._own))])

    def receive(self, frame: bytes, now: float) -> list[bytes]:
        """Take one frame of the peer and give those to send; never raises for one."""
        self.tick(now)
        if self.result is not None:
            return []
        try:
            self._received.spend(frame)
            xid, body = parse_frame(frame)
            return self._send(self._take(xid, body))
        except RefusedError as error:
            self._end("breach", str(error))
            return []

    def tick(self, now: float) -> None:
        """End the exchange if it takes too long."""
        if self.result is None and self.deadline is not None and now >= self.deadline:
            self._end("timeout")

    def _take(self, xid: bytes, body: Body) -> list[Body]:
        if isinstance(body, Offer) and not self._is_initiator and not self._xid:
            self._xid = xid
            rows = {row.log: row for row in body.rows if row.log in self._own}
            answer = Answer(self._rows(rows))
            return [answer, *self._begin(rows)]
        if xid != self._xid:
            raise MalformedError("frame: of another exchange")
        match body:
            case Answer() if self._is_initiator and self._talks is None:
                if any(row.log not in self._own for row in body.rows):
                    raise MalformedError("frame: an answer nobody asked for")
                return self._begin({row.log: row for row in body.rows})
            case NotePart() | Consistency():
                return [*self._talk(body), *self._done()]
            case Done() if self._talks is not None and not self._has_ended_theirs:
                self._has_ended_theirs = True
                said = dict(body.verdicts)
                for log, talk in self._talks.items():
                    talk.hear(said.get(log, Verdict.DECLINED))
                return self._done()
            case _:
                raise MalformedError(f"frame: {type(body).__name__} out of its turn")

    def _begin(self, rows: dict[bytes, Row]) -> list[Body]:
        self._talks = {
            log: _Talk(self._own[log], row, self._view, self._max_frame)
            for log, row in rows.items()
        }
        bodies = [
            body
            for talk in self._talks.values()
            for body in talk.begin(conflict_only=self._conflict_only)
        ]
        return [*bodies, *self._done()]

    def _talk(self, body: NotePart | Consistency) -> list[Body]:
        talk = (self._talks or {}).get(body.log)
        if talk is None:
            raise MalformedError("frame: of a log that not both offered")
        if isinstance(body, Consistency):
            return talk.take_proof(body)
        note = talk.take_part(body)
        if note is None:
            return []
        # Counted before they are looked at, those of strangers too.
        self._checks += note.count("\n— ".encode())
        if self._checks > MAX_CHECKS:
            raise MalformedError(f"frame: more than {MAX_CHECKS} signatures to check")
        return talk.take_note(note)

    def _done(self) -> list[Body]:
        """End our part if there is nothing left to judge."""
        talks = self._talks or {}
        bodies: list[Body] = []
        if not self._has_ended_ours and not any(
            talk.is_waiting for talk in talks.values()
        ):
            self._has_ended_ours = True
            bodies.append(Done(tuple((log, talk.own) for log, talk in talks.items())))
        if self._has_ended_ours and self._has_ended_theirs:
            self._end("done")
        return bodies

    def _rows(self, logs: dict[bytes, Head] | dict[bytes, Row]) -> tuple[Row, ...]:
        heads = {log: self._own[log] for log in logs}
        return tuple(Row(log, head.size, root=head.root) for log, head in heads.items())

    def _send(self, bodies: list[Body]) -> list[bytes]:
        frames = [format_frame(self._xid, body) for body in bodies]
        for frame in frames:
            self._sent.spend(frame)
        return frames

    def _end(self, ending: Ending, text: str = "") -> None:
        talks = (self._talks or {}).values()
        self.result = Result(ending, tuple(talk.outcome for talk in talks), text)


class _Budget:
    """Counts what one side sends."""

    def __init__(self, who: str) -> None:
        self._who = who
        self._frames = self._bytes = 0

    def spend(self, frame: bytes) -> None:
        self._frames += 1
        self._bytes += len(frame)
        if self._frames > MAX_FRAMES or self._bytes > MAX_BYTES:
            raise MalformedError(
                f"{self._who} more than {MAX_FRAMES} frames or {MAX_BYTES} bytes"
            )


class _Talk:
    """The part of an exchange that is about one log."""

    def __init__(self, ours: Head, theirs: Row, view: View, max_frame: int) -> None:
        self._ours = ours
        self._theirs = theirs
        self._view = view
        self._max_frame = max_frame
        self._verdict: Verdict | None = None
        self._heard: Verdict | None = None
        self._parts: list[NotePart] = []
        self._note: bytes | None = None
        self._has_quorum = False
        self._proof: Consistency | None = None
        self._has_sent_note = False
        self._evidence: bytes | None = None
        self._is_ahead = ours.size > theirs.size

    @property
    def is_waiting(self) -> bool:
        """Whether it is ours to judge, and something of theirs is still to come."""
        return self._verdict is None and not self._is_ahead

    @property
    def own(self) -> Verdict:
        """What we say of it at the end."""
        return self._verdict or Verdict.DECLINED

    @property
    def outcome(self) -> Outcome:
        """What came of it."""
        verdict = self.own
        if self._verdict is None and self._heard in (
            Verdict.CONSISTENT,
            Verdict.INVALID,
        ):
            verdict = self._heard
        is_new = self._has_quorum and self._theirs.size > self._ours.size
        return Outcome(
            self._ours.origin,
            verdict,
            size=min(self._ours.size, self._theirs.size),
            learned=self._note if is_new and verdict is Verdict.CONSISTENT else None,
            evidence=self._evidence,
        )

    def begin(self, *, conflict_only: bool) -> list[Body]:
        """Say what is ours to say."""
        ours, theirs = self._ours, self._theirs
        if ours.size < theirs.size:
            return []
        if ours.size == theirs.size:
            if ours.root == theirs.root:
                self._verdict = Verdict.SAME
                return []
            return self._send_note()
        try:
            proof = self._prove() if theirs.size else []
            return [*([] if conflict_only else self._send_note()), *proof]
        except UpdateError:  # a proof that we do not have, or a note too long to send
            self._verdict = Verdict.DECLINED
            return []

    def hear(self, verdict: Verdict) -> None:
        """Take the peer's last word: what it has not sent by now does not come."""
        self._heard = verdict
        # Who was sent a note after a mismatch still owes theirs.
        if self.is_waiting and not self._has_sent_note:
            self._verdict = Verdict.DECLINED

    def take_part(self, part: NotePart) -> bytes | None:
        """Put a note together; gives it with its last part."""
        first = self._parts[0] if self._parts else part
        expected = (len(self._parts), first.parts, self._theirs.size)
        if (part.part, part.parts, part.size) != expected:
            raise MalformedError("frame: a part of a note that does not fit")
        self._parts.append(part)
        if len(self._parts) < part.parts:
            return None
        return b"".join(each.data for each in self._parts)

    def take_note(self, note: bytes) -> list[Body]:
        """Look at the peer's signed head."""
        if self._verdict is not None:
            return []
        try:
            head = self._view.open(self._ours.origin, note)
        except UpdateError:
            return self._judge(Verdict.INVALID)
        if (head.size, head.root) != (self._theirs.size, self._theirs.root):
            return self._judge(Verdict.INVALID)
        self._note = note
        self._has_quorum = head.has_quorum
        if self._is_ahead:
            return self._answer_note(note)
        return self._compare(note)

    def _compare(self, note: bytes) -> list[Body]:
        """Judge a head that is not behind ours, as far as that goes without a proof."""
        if self._ours.size == self._theirs.size:
            self._fork(note, self._ours.root, ())
        elif self._ours.size == 0:  # every tree grew out of the empty one
            self._judge(Verdict.CONSISTENT)
        elif self._proof is not None:
            self._fork(note, self._proof.root, self._proof.proof)
        return []

    def take_proof(self, said: Consistency) -> list[Body]:
        """Look at the peer's proof that its tree grew out of ours."""
        sizes = (self._ours.size, self._theirs.size)
        if self._proof is not None or (said.old, said.new) != sizes or self._is_ahead:
            raise MalformedError("frame: a proof that does not fit")
        self._proof = said
        if self._verdict is not None:
            return []
        try:
            check_consistency(*sizes, said.root, self._theirs.root, said.proof)
        except ProofError:
            return self._judge(Verdict.INVALID)
        if said.root == self._ours.root:
            return self._judge(Verdict.CONSISTENT)
        if self._note is not None:
            self._fork(self._note, said.root, said.proof)
        return self._send_note()

    def _answer_note(self, note: bytes) -> list[Body]:
        """Look at the head of a peer whom our proof did not convince."""
        answer = [] if self._has_sent_note else self._send_note()
        try:
            root = self._view.root_at(self._ours.origin, self._theirs.size)
            proof = self._view.prove(self._ours.origin, self._theirs.size)
        except UpdateError:
            return answer
        if root != self._theirs.root:
            self._fork(note, root, proof)
        return answer

    def _fork(self, note: bytes, root: bytes, proof: Sequence[bytes]) -> None:
        """Make evidence out of both signed heads."""
        fork = build_fork(
            self._ours.note, note, proof=proof, root=root, log_key=self._ours.log_key
        )
        self._evidence = format_evidence(fork)
        self._judge(Verdict.FORK)

    def _judge(self, verdict: Verdict) -> list[Body]:
        self._verdict = verdict
        return []

    def _prove(self) -> list[Body]:
        origin, old = self._ours.origin, self._theirs.size
        return [
            Consistency(
                log=self._theirs.log,
                old=old,
                new=self._ours.size,
                root=self._view.root_at(origin, old),
                proof=tuple(self._view.prove(origin, old)),
            )
        ]

    def _send_note(self) -> list[Body]:
        self._has_sent_note = True
        ours = self._ours
        parts = split_note(self._theirs.log, ours.size, ours.note, self._max_frame)
        return list(parts)
