"""Four releases of a small program, and what somebody who installs it is spared.

The maintainer, three witnesses, two who rebuild, carol who installs, dave who looks at
her evidence, and mallory who stole nearly every key: each has a home and runs processes
of their own. What those print becomes an `UpdateProof`.
"""

import asyncio
import shutil
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cli.stories import tally
from cli.stories.maintainer import COOLDOWN_S, Maintainer
from cli.stories.rehearsal import Person, run_module
from cli.stories.scenes import Teller, both, several
from cli.stories.targeted import aim, show_evidence
from cli.stories.update_proof import Answer, UpdateProof
from cli.stories.users import (
    AT,
    People,
    ask_updater,
    read_changes,
    serve_witnesses,
    show_gates,
    start_tally,
    witness_name,
)
from updater.keyfile import format_plain_key
from updater.testing.sigstore_lab import SigstoreLab


async def release_and_update(folder: Path, tell: Teller) -> UpdateProof:
    """Play it in an empty folder.

    Raises:
        RefusedError: a step did not come about, or something is not as it must be.
    """
    async with AsyncExitStack() as running:
        lab = running.enter_context(SigstoreLab(time.time))
        people = People(folder)
        maintainer = Maintainer(people.maintainer, lab)
        honest = _Honest(people, maintainer, tell)
        tell(
            f"here a release waits {COOLDOWN_S} s in public before it is installed, not"
            " 7 days, and everybody is in the first wave; the clocks are real"
        )
        log = await maintainer.begin()
        async with maintainer.serving() as server:
            url = str((await server.first())["url"])
            await honest.set_up(log, url, running)
            await honest.install()
            early, installed = await honest.update()
            ran = [await start_tally(people.carol, tell)]
            thief, unhealthy = await honest.fail()
            undone = read_changes(people.carol, 2)
            tell(f"her audit file has both: {', '.join(undone)}")
            ran.append(await start_tally(people.carol, tell))
        await aim(people, thief, running, tell)
        # The address that carol knows, with something else behind it for her alone.
        async with thief.serving(urlsplit(url).port or 0) as server:
            await server.first()
            targeted = await ask_updater(people.carol, "check")
    tell(f"carol is offered {targeted.offered}, and it is refused:")
    show_gates(targeted, tell, "refused", "misbehaviour", "not-yet")
    ran.append(await start_tally(people.carol, tell))
    verified, forged = await show_evidence(people, targeted, log, tell)
    audited = await people.carol.run("update", "audit", *AT)
    tell("carol has her installation looked over: all is as it was made")
    return UpdateProof(
        early=early,
        installed=installed,
        unhealthy=unhealthy,
        undone=undone,
        targeted=targeted,
        ran=tuple(ran),
        verified=verified,
        forged=forged,
        audited=len(audited),
    )


@dataclass(frozen=True, slots=True)
class _Honest:
    """What happens as it should."""

    people: People
    maintainer: Maintainer
    tell: Teller

    async def set_up(self, log: str, url: str, running: AsyncExitStack) -> None:
        """Make everybody's keys, start the witnesses, and begin the repository."""
        people = self.people
        vkeys = await several(_new_witness(each, log) for each in people.witnesses)
        urls = await serve_witnesses(
            {witness_name(each): (each, each.path("key")) for each in people.witnesses},
            running,
        )
        operators = {each.name: _new_operator(each) for each in people.operators}
        witnesses = {
            each.name: (vkey, urls[witness_name(each)])
            for each, vkey in zip(people.witnesses, vkeys, strict=True)
        }
        await both(
            self.maintainer.create(url, witnesses, operators),
            self.maintainer.build("1.0", tally.SOURCES["1.0"]),
        )
        self.tell(
            "up are a repository, a log, three witnesses, and a private Sigstore;"
            " anna and ben will build again what is released"
        )

    async def install(self) -> None:
        """Release 1.0, and install it from what the maintainer gives out."""
        maintainer, carol = self.maintainer, self.people.carol
        public = await self._release("1.0")
        await self._rebuild(
            "1.0", public, maintainer.build("1.1", tally.SOURCES["1.1"])
        )
        shutil.copytree(maintainer.anchor, carol.path("anchor"))
        await carol.run("update", "init", "--anchor=anchor", *AT)
        await carol.run("update", "apply", *AT)
        self.tell("carol installs it, from nothing but the maintainer's anchor")
        await start_tally(carol, self.tell)

    async def update(self) -> tuple[Answer, Answer]:
        """Release 1.1; carol asks too early, and again when others looked at it."""
        public = await self._release("1.1")
        early = await ask_updater(self.people.carol, "check")
        self.tell("carol asks at once, and is told: not yet")
        show_gates(early, self.tell, "not-yet")
        await self._rebuild(
            "1.1", public, self.maintainer.build("1.2", tally.SOURCES["1.2"])
        )
        installed = await ask_updater(self.people.carol, "apply")
        self.tell("carol asks again, every gate says yes, and it is installed:")
        show_gates(installed, self.tell, "yes")
        return early, installed

    async def fail(self) -> tuple[Maintainer, Answer]:
        """Release 1.2, which is honest and broken; meanwhile there is a thief."""
        public = await self._release("1.2")
        thief = self.maintainer.stolen_by(self.people.mallory)
        await self._rebuild("1.2", public, thief.build(*tally.TARGETED))
        unhealthy = await ask_updater(self.people.carol, "apply")
        self.tell("carol installs it too; 1.2 tests itself, fails, and is rolled back:")
        show_gates(unhealthy, self.tell, "refused")
        return thief, unhealthy

    async def _release(self, version: str) -> float:
        """Publish what was built; gives when that was done, by a steady clock."""
        await self.maintainer.draft(version)
        await self.maintainer.publish()
        self.tell(f"tally {version} is public: signed, logged, cosigned by witnesses")
        return time.monotonic()

    async def _rebuild(
        self, version: str, public: float, meanwhile: Coroutine[None, None, None]
    ) -> None:
        """Have others build the source, and log what they say when the wait is over.

        Whoever installs believes the witnesses' times, not its own clock: that the wait
        is over shows in the first tree that they sign after it.
        """
        operators = self.people.operators
        said, _ = await both(
            several(_build_again(each, self.maintainer, version) for each in operators),
            meanwhile,
        )
        # Those times have whole seconds, so that the wait is up to one longer.
        await asyncio.sleep(max(0.0, public + COOLDOWN_S + 1 - time.monotonic()))
        await self.maintainer.publish(
            each.path(f"{version}.json") for each in operators
        )
        self.tell(f"{'; '.join(said)}; the log has it")


async def _new_witness(person: Person, log: str) -> str:
    """Make a witness's key, and note the log it will watch; gives its public half."""
    person.path("policy").write_text(f"log {log}\nquorum none\n")
    options = ("--out=key", "--witness", "--insecure-plain-key", "--json")
    (said,) = await person.run("log", "keygen", witness_name(person), *options)
    return str(said["vkey"])


def _new_operator(person: Person) -> bytes:
    """Make the key of somebody who rebuilds; gives its public half, 32 bytes."""
    key = Ed25519PrivateKey.generate()
    person.path("key").write_bytes(format_plain_key(key))
    return key.public_key().public_bytes_raw()


async def _build_again(person: Person, maintainer: Maintainer, version: str) -> str:
    """Build a version on somebody else's machine; gives what came of it, in words."""
    async with run_module(
        f"{person.name}'s rebuild",
        "cli.stories.rebuilder",
        *(person.name, "key", str(maintainer.source(version)), version),
        *(str(maintainer.bundle(version)), f"{version}.json"),
        cwd=person.folder,
    ) as program:
        await program.expect(0)
        return f"{person.name} builds {version} again: {program.said[0]['verdict']}"
