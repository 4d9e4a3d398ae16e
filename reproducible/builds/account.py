"""What is written down about a build."""

import hashlib
from collections.abc import Sequence

from reproducible.builds.plan import Plan
from reproducible.record.buildinfo import (
    Buildinfo,
    BuiltFile,
    Epoch,
    Python,
    Runtime,
    Tool,
    Walls,
)
from reproducible.sandbox.levels import Conditions
from reproducible.sandbox.probe import Facts


def account(  # noqa: PLR0913 - what one build was
    plan: Plan,
    conditions: Conditions,
    facts: Facts,
    *,
    walls: Walls,
    started: int,
    finished: int,
    outputs: Sequence[BuiltFile],
    log: bytes,
) -> Buildinfo:
    """Give an account of a build; times are POSIX seconds.

    The variables are those that were set for it, `facts` what it found.
    """
    env = {
        "HOME": facts.home,
        "LC_ALL": conditions.locale,
        "PYTHONHASHSEED": str(conditions.hashseed),
        "TZ": conditions.tz,
        **dict(conditions.extra),
    }
    if conditions.epoch is not None:
        env["SOURCE_DATE_EPOCH"] = str(conditions.epoch)
    return Buildinfo(
        recipe_sha256=plan.recipe_sha256,
        source=plan.source,
        tools=tuple(
            Tool(each.name, each.version, sha256=each.wheel.sha256)
            for each in plan.tools.lock.packages
        ),
        python=Python(facts.implementation, facts.python, build=facts.build),
        runtime=Runtime(
            arch=facts.arch,
            os=facts.os,
            kernel=facts.kernel,
            libc=facts.libc,
            zlib=facts.zlib,
        ),
        sandbox=walls,
        env=env,
        umask=conditions.umask,
        epoch=Epoch(conditions.epoch, plan.recipe.env.epoch_from),
        started=started,
        finished=finished,
        outputs=tuple(outputs),
        log_sha256=hashlib.sha256(log).hexdigest(),
    )
