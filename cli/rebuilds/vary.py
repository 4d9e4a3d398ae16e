"""`ringfence rebuild vary`: a commit, built under many conditions."""

import click

from cli.codes import Code
from cli.output import json_option
from cli.rebuilds.outcomes import Varying, vary_options


@click.command(epilog="Example: ringfence rebuild vary v1.4.0 --only V03,V07")
@click.argument("ref", default="HEAD")
@vary_options
@json_option
def command(*, ref: str, varying: Varying) -> Code:
    """Build a commit under many conditions, and compare.

    Wheel and sdist are built under another umask, time zone, locale, hash seed, path,
    home, user, clock, host name, Python, and from a source of other times, modes and
    owners. Each has to show that the build saw the change; one that did not is no pass.
    """
    from reproducible.vary.varying import vary_commit  # noqa: PLC0415 - heavy

    return varying.show(ref, vary_commit)
