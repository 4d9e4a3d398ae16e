"""A log on disk and three witnesses, asked as over HTTP but without it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from tests.updater.transparency.claimants import (
    RELEASE,
    RELEASE_KEYS,
    TRUST,
    YANK,
    YANK_KEYS,
    entry,
)
from tests.updater.transparency.logs import LOG, TIME, witness
from tests.updater.transparency.policies import policy_text
from updater.errors import DeclinedError, UnreachableError
from updater.files import Files
from updater.transparency.addresses import Address
from updater.transparency.admission import Register
from updater.transparency.asking import Answer
from updater.transparency.cosigning import SIZE_TYPE
from updater.transparency.folder import Facts, LogFolder
from updater.transparency.gathering import Gatherer
from updater.transparency.key import SigningKey
from updater.transparency.log import Log
from updater.transparency.publishing import Means, Published
from updater.transparency.trust import Trust, format_trust
from updater.transparency.witness import Witness

OPEN_TRUST = replace(TRUST, cooldown_group=None)
"""Without a group that publishing would wait for."""

QUORUM = ("group all2 2 w1 w2 w3", "quorum all2")


def yank(number: int) -> bytes:
    """Give a small claim that is valid, another one for each number."""
    advisory = f"https://ringfence.example/advisories/{number}"
    return entry(replace(YANK, advisory=advisory), YANK_KEYS[0])


def yanks(count: int, since: int = 0) -> list[bytes]:
    """Give several."""
    return [yank(number) for number in range(since, since + count)]


def release(version: str = "1.4.0", sha256: str = "a1" * 32) -> bytes:
    """Give a release of one file."""
    artifact = replace(RELEASE.artifacts[0], sha256=sha256)
    claim = replace(RELEASE, version=version, artifacts=(artifact,))
    return entry(claim, *RELEASE_KEYS[:2])


@dataclass
class Clock:
    """A clock that tests set; sleeping moves it."""

    time: float = float(TIME)
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@dataclass
class World:
    """A log in ``public`` and ``private``, and three witnesses that answer at once."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    files: Files = field(default_factory=Files)
    policy: Sequence[str] = QUORUM
    trust: Trust = OPEN_TRUST
    register: Register = field(default_factory=Register)
    log_key: SigningKey = LOG
    silent: set[str] = field(default_factory=set)
    tampered: Callable[[str, Answer], Answer] = lambda _, answer: answer
    wait_s: float = 0.0
    is_dev: bool = False
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.logs = {self.log_key.name: (self.log_key.verifier,)}
        self.witnesses: dict[str, Witness] = {}
        for number in (1, 2, 3):
            place = self.folder / f"w{number}"
            place.mkdir(exist_ok=True)
            self.witnesses[f"w{number}"] = Witness(
                place / "witness.sqlite",
                [witness(number)],
                self.logs,
                now=self.clock.now,
                is_trusting=True,
            )
        self.disk = LogFolder(
            self.folder / "public", self.folder / "private", self.files
        )
        self.log = Log(self.disk)

    def create(self) -> "World":
        """Make the log's folders."""
        text = policy_text(
            *self.policy,
            witnesses={f"w{number}": witness(number) for number in (1, 2, 3)},
        )
        self.disk.create(
            Facts(self.log_key.verifier, contact="log@ringfence.example"),
            policy=text.replace(
                str(LOG.verifier).encode(), str(self.log_key.verifier).encode()
            ),
            trust=format_trust(self.trust),
            register=self.register,
            witnesses={
                name: Address(f"https://{name}", f"https://{name}")
                for name in self.witnesses
            },
        )
        return self

    @property
    def means(self) -> Means:
        """What publishing takes."""
        gatherer = Gatherer(
            self.disk.policy(),
            self.disk.addresses(),
            self.log_key.verifier,
            ask=self.ask,
            files=self.files,
        )
        return Means(
            key=self.log_key,
            gatherer=gatherer,
            now=self.clock.now,
            sleep=self.clock.sleep,
            wait_s=self.wait_s,
            is_dev=self.is_dev,
        )

    def publish(self, *leaves: bytes) -> Published:
        """Append and publish."""
        self.log.append(leaves)
        return self.log.publish(self.means)

    def ask(self, method: str, url: str, body: bytes | None) -> Answer:
        """Answer as the witness of that host would over HTTP."""
        parts = urlsplit(url)
        name = parts.netloc
        self.asked.append(f"{method} {url}")
        if name in self.silent:
            raise UnreachableError(f"{name}: no answer")
        asked = self.witnesses[name]
        if method == "GET":
            found = asked.checkpoint(parts.path.split("/")[1])
            answer = Answer(404, b"") if found is None else Answer(200, found)
        else:
            try:
                answer = Answer(200, asked.add_checkpoint(body or b""))
            except DeclinedError as error:
                answer = _declined(error)
        return self.tampered(name, answer)


def _declined(error: DeclinedError) -> Answer:
    if error.status == 409:
        return Answer(409, f"{error.size}\n".encode(), content_type=SIZE_TYPE)
    return Answer(error.status, str(error).encode(), content_type="text/plain")
