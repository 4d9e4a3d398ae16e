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
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cli.stories import tally
from cli.stories.maintainer import Maintainer
from cli.stories.rebuilders import build_again, lacks_wall, new_operator
from cli.stories.rehearsal import Person
from cli.stories.scenes import Teller, both, several
from cli.stories.targeted import aim, prepare, show_evidence
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
from updater.testing.sigstore_lab import SigstoreLab


async def release_and_update(folder: Path, tell: Teller) -> UpdateProof:
    """Play it in an empty folder.

    Raises:
        RefusedError: a step did not come about, or something is not as it must be.
    """
    async with AsyncExitStack() as running:
        lab = running.enter_context(SigstoreLab(time.time))
        people = People(folder)
        lacks = await asyncio.to_thread(lacks_wall, folder)
        maintainer = Maintainer(people.maintainer, lab, is_walled=not lacks)
        honest = _Honest(people, maintainer, tell)
        tell(
            f"here a release waits {maintainer.cooldown_s} s in public before it is"
            " installed, not 7 days, and everybody is in the first wave; the clocks are"
            " real"
        )
        if lacks:
            tell(f"nobody builds it again, and so nothing waits: {lacks}")
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
            stranger = await honest.look_at(tally.TARGETED[0])
    tell(f"carol is offered {targeted.offered}, and it is refused:")
    show_gates(targeted, tell, "refused", "misbehaviour", "not-yet")
    if stranger:
        tell(
            "dave, who never saw that log before, builds it again from the commit that"
            f" it claims: {stranger}"
        )
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
        rebuilt=tuple(honest.rebuilt),
        stranger=stranger.partition(" ")[0],
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
    rebuilt: list[str] = field(default_factory=list)
    """What those found who built again, one after the other."""

    async def set_up(self, log: str, url: str, running: AsyncExitStack) -> None:
        """Make everybody's keys, start the witnesses, and begin the repository."""
        people = self.people
        vkeys = await several(_new_witness(each, log) for each in people.witnesses)
        urls = await serve_witnesses(
            {witness_name(each): (each, each.path("key")) for each in people.witnesses},
            running,
        )
        operators = {each.name: await new_operator(each) for each in self._operators}
        witnesses = {
            each.name: (vkey, urls[witness_name(each)])
            for each, vkey in zip(people.witnesses, vkeys, strict=True)
        }
        await both(
            self.maintainer.create(url, witnesses, operators),
            self.maintainer.build("1.0", tally.SOURCES["1.0"]),
        )
        for each in (*self._operators, people.dave):
            shutil.copytree(self.maintainer.anchor, each.path("anchor"))
        self.tell(
            "up are a repository, a log, three witnesses, and a private Sigstore"
            + "; anna and ben will build again what is released" * bool(operators)
        )

    async def install(self) -> None:
        """Release 1.0, and install it from what the maintainer gives out."""
        maintainer, carol = self.maintainer, self.people.carol
        public = await self._release("1.0")
        shutil.copytree(maintainer.anchor, carol.path("anchor"))
        await carol.run("update", "init", "--anchor=anchor", *AT)
        await self._rebuild(
            "1.0", public, maintainer.build("1.1", tally.SOURCES["1.1"])
        )
        await carol.run("update", "apply", *AT)
        self.tell("carol installs it, from nothing but the maintainer's anchor")
        await start_tally(carol, self.tell)

    async def update(self) -> tuple[Answer, Answer]:
        """Release 1.1; carol asks too early, and again when others looked at it."""
        public = await self._release("1.1")
        early = await ask_updater(self.people.carol, "check")
        if self._operators:
            self.tell("carol asks at once, and is told: not yet")
            show_gates(early, self.tell, "not-yet")
        await self._rebuild(
            "1.1", public, self.maintainer.build("1.2", tally.SOURCES["1.2"])
        )
        installed = await ask_updater(self.people.carol, "apply")
        self.tell("carol asks, every gate says yes, and it is installed:")
        show_gates(installed, self.tell, "yes")
        return early, installed

    async def fail(self) -> tuple[Maintainer, Answer]:
        """Release 1.2, which is honest and broken; meanwhile there is a thief."""
        maintainer, mallory = self.maintainer, self.people.mallory
        await maintainer.commit(*tally.NEXT)
        # The copy must lack an entry of the log: what others say of 1.2, or else 1.2.
        if maintainer.is_walled:
            public = await self._release("1.2")
            thief = maintainer.stolen_by(mallory)
        else:
            thief = maintainer.stolen_by(mallory)
            public = await self._release("1.2")
        await self._rebuild("1.2", public, prepare(thief))
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
        source = self.maintainer.source
        found, _ = await both(
            several(build_again(each, source, version) for each in self._operators),
            meanwhile,
        )
        if not found:
            return
        # Those times have whole seconds, so that the wait is up to one longer.
        ends = public + self.maintainer.cooldown_s + 1
        await asyncio.sleep(max(0.0, ends - time.monotonic()))
        await self.maintainer.publish(each.statement for each in found)
        self.rebuilt.extend(each.verdict for each in found)
        said = "; ".join(f"{each.who} builds {version} again: {each}" for each in found)
        self.tell(f"{said}; the log has it")

    async def look_at(self, version: str) -> str:
        """Have somebody build what carol is shown, who remembers no log."""
        if not self.maintainer.is_walled:
            return ""
        dave, source = self.people.dave, self.maintainer.source
        return str(await build_again(dave, source, version))

    @property
    def _operators(self) -> list[Person]:
        return self.people.operators if self.maintainer.is_walled else []


async def _new_witness(person: Person, log: str) -> str:
    """Make a witness's key, and note the log it will watch; gives its public half."""
    person.path("policy").write_text(f"log {log}\nquorum none\n")
    options = ("--out=key", "--witness", "--insecure-plain-key", "--json")
    (said,) = await person.run("log", "keygen", witness_name(person), *options)
    return str(said["vkey"])
