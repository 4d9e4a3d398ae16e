"""`ringfence rebuild release`: the files of a release, made and proven."""

from pathlib import Path

import click

from cli.codes import Code
from cli.output import escape, json_option, note, show
from cli.rebuilds.locking import lock, root
from cli.rebuilds.outcomes import Varying, commit_options, vary_options
from cli.rebuilds.releases import Attesting, attesting_options
from cli.rebuilds.shop import Shop, shop_options


@click.group(epilog="Example: ringfence rebuild release verify")
def command() -> None:
    """Lock, make and prove releases of your own."""


command.add_command(lock)
command.add_command(root)


@command.command(epilog="Example: ringfence rebuild release make 1.4.0")
@click.argument("version")
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write to this folder, new or empty.  [default: dist/VERSION]",
)
@commit_options
@attesting_options
@shop_options
@json_option
def make(  # noqa: PLR0913 - one argument for each group of options
    *,
    version: str,
    out: Path | None,
    source: str,
    recipe: str,
    attesting: Attesting,
    shop: Shop,
) -> None:
    """Build the tag vVERSION, and write everything that a release is.

    Wheel, sdist and bundles; beside them the recipe, the locks, the wheels of the
    toolchain, and SHA256SUMS of all these. With --attest it is signed how they came
    about.
    """
    from reproducible.release.making import Maker, make_release  # noqa: PLC0415 - heavy
    from reproducible.source.git import parse_repository  # noqa: PLC0415
    from updater.transparency.claims.rebuild import Rebuilder  # noqa: PLC0415

    signer = attesting.signer()
    with shop.workshop() as workshop:
        made = make_release(
            parse_repository(source),
            version,
            recipe=recipe,
            workshop=workshop,
            out=out or Path("dist", version),
            maker=None
            if signer is None
            else Maker(
                Rebuilder(
                    id=signer.machine, operator=signer.operator, tool=signer.tool
                ),
                signer.key,
            ),
        )
    for warning in made.warnings:
        note(escape(warning))
    for file in made.files:
        facts = {"name": file.name, "sha256": file.sha256, "size": file.size}
        show(facts, f"{file.sha256}  {escape(file.name)}")


@command.command(epilog="Example: ringfence rebuild release verify --ref v1.4.0")
@click.option("--ref", default="HEAD", show_default=True, help="Commit, tag or branch.")
@vary_options
@json_option
def verify(*, ref: str, varying: Varying) -> Code:
    """Build a commit twice, as differently as can be, and compare all files.

    The second time in a lower sandbox, with another Python and most variations of
    'vary' at once; then the wheel from the sdist; then each variation alone.
    """
    from reproducible.release.verifying import verify_commit  # noqa: PLC0415 - heavy

    return varying.show(ref, verify_commit)
