"""A release for one person alone, by somebody who stole nearly every key.

The maintainer's, the log's and the witnesses' keys are enough to make a release that
looks right, in a history of its own. Whoever remembers the log has proof that there are
two, and anybody can check it.
"""

import shutil
from contextlib import AsyncExitStack

from cli.codes import Code
from cli.output import escape
from cli.stories import tally
from cli.stories.maintainer import ORIGIN, Maintainer
from cli.stories.scenes import Teller
from cli.stories.update_proof import Answer
from cli.stories.users import People, serve_witnesses, witness_name
from voip.errors import RefusedError


async def prepare(thief: Maintainer) -> None:
    """Build what is made for carol, and have it say that it is the maintainer's next.

    Raises:
        RefusedError: a step did not come about.
    """
    version, main = tally.TARGETED
    await thief.make(version)
    honest = thief.bundle(version).read_bytes()
    await thief.commit(version, main, "hers")
    await thief.make(version, "hers")
    bundle = thief.bundle(version)
    bundle.write_bytes(tally.disguise(bundle.read_bytes(), honest))
    await thief.vouch(version)


async def aim(
    people: People, thief: Maintainer, running: AsyncExitStack, tell: Teller
) -> None:
    """Release what was built from the stolen folder, and have stolen keys witness it.

    Raises:
        RefusedError: the honest witnesses went along, or a step did not come about.
    """
    version, _ = tally.TARGETED
    tell(
        "mallory copied the maintainer's folder, keys and all, before that was logged,"
        f" and makes {version} for carol alone"
    )
    await thief.draft(version)
    async with thief.publishing() as program:
        await program.expect(Code.STORE)
        tell(f"the witnesses sign no second history: {escape(program.complaint)}")
    stolen = {}
    for each in people.witnesses:
        mine = people.mallory.path(each.name)
        mine.mkdir()
        shutil.copy(each.path("key"), mine / "key")
        shutil.copy(each.path("policy"), people.mallory.path("policy"))
        stolen[witness_name(each)] = (people.mallory, mine / "key")
    urls = await serve_witnesses(stolen, running)
    thief.ask_instead(
        {each.name: urls[witness_name(each)] for each in people.witnesses}
    )
    await thief.publish()
    tell(
        "so she steals their keys as well, runs three witnesses of her own, and puts"
        " the result where carol asks"
    )


async def show_evidence(
    people: People, targeted: Answer, log: str, tell: Teller
) -> tuple[str, int]:
    """Hand the evidence to a stranger, who has nothing but the key of the log.

    Gives what is found in it, and the exit code that a changed copy gets.

    Raises:
        RefusedError: there is none, or it does not hold.
    """
    if targeted.evidence is None:
        raise RefusedError("expected evidence of a fork, came none")
    kept = people.carol.path("tally") / "log" / "evidence"
    sent = (kept / f"{targeted.evidence}.json").read_bytes()
    people.dave.path("fork.json").write_bytes(sent)
    check = ("log", "evidence", "verify", f"--log={log}", "--json")
    (found,) = await people.dave.run(*check, "fork.json")
    tell(
        "dave, with nothing but the log's key, verifies the evidence she sends him:"
        f" {found['kind']}"
    )
    people.dave.path("forged.json").write_bytes(_forge(sent))
    async with people.dave.start(*check, "forged.json") as program:
        forged = await program.ended()
        tell(f"a copy with one changed digit is rejected: {escape(program.complaint)}")
    return str(found["kind"]), forged


def _forge(evidence: bytes) -> bytes:
    """Change the size that the first of the two heads speaks of."""
    line = f"{ORIGIN}\\n".encode()
    before, after = evidence.split(line, 1)
    return before + line + bytes([after[0] ^ 1]) + after[1:]
