"""`ringfence rebuild release lock` and `root`: what a build depends on, locked."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.output import escape, json_option, note, show
from cli.update_view import watched

if TYPE_CHECKING:  # help needs none of it
    from reproducible.inputs.rootlock import RootLock

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(epilog="Example: ringfence rebuild release lock --extra devices")
@click.option("--project", type=_FOLDER, default=".", show_default=True)
@click.option("--recipe", default="requirements/recipe.toml", show_default=True)
@click.option("--extra", "extras", multiple=True, help="Of the project, in a bundle.")
@click.option(
    "--constraints",
    help="Requirements whose versions are taken.  "
    "[default: requirements/run.txt, if it is there]",
)
@click.option("--index", help="Ask this index.  [default: that of uv]")
@json_option
def lock(
    *,
    project: Path,
    recipe: str,
    extras: tuple[str, ...],
    constraints: str | None,
    index: str | None,
) -> None:
    """Write every lock of wheels that the recipe names, and say what changed."""
    from reproducible.release.locking import relock  # noqa: PLC0415 - heavy

    for each in relock(
        project, recipe=recipe, extras=extras, constraints=constraints, index=index
    ):
        facts = {
            "changes": each.changes,
            "lock": each.path,
            "packages": each.packages,
        }
        count = len(each.changes)
        lines = (escape(f"  {line}") for line in each.changes)
        show(facts, f"{each.path}: {each.packages} wheels, {count} changes", *lines)


@click.command(epilog="Example: ringfence rebuild release root bookworm -o root.tar")
@click.argument("suite")
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the root to this tar.",
)
@click.option(
    "--lock",
    "lock_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write its lock here.  [default: requirements/root-SUITE.json]",
)
@click.option(
    "--epoch", type=int, help="SOURCE_DATE_EPOCH.  [default: that of the lock, or now]"
)
@json_option
def root(*, suite: str, out: Path, lock_file: Path | None, epoch: int | None) -> None:
    """Make a Debian root for sandbox level 2, twice, and write its lock.

    As long as Debian has the same packages, it is the root of the lock that is there.
    """
    from reproducible.inputs.rootlock import format_root_lock  # noqa: PLC0415
    from reproducible.sandbox.roots import make_root  # noqa: PLC0415
    from updater.files import Files  # noqa: PLC0415

    path = lock_file or Path("requirements", f"root-{suite}.json")
    old = read_lock(path)
    usual = int(time.time()) if old is None else old.epoch
    with watched() as progress:
        progress("root", 0, 1)
        made = make_root(suite, epoch=epoch or usual, tar=out.resolve())
    Files().replace(path, format_root_lock(made), 0o644)
    is_same = made == old
    facts = {
        "lock": str(path),
        "packages": len(made.packages),
        "same": is_same,
        "tar": made.tar_sha256,
    }
    show(facts, f"{made.tar_sha256}  {escape(str(out))}")
    what = "as it was locked" if is_same else "publish the tar beside the release"
    note(f"{len(made.packages)} packages; {what}")


def read_lock(path: Path) -> "RootLock | None":
    """Read the lock of a root, None where there is none."""
    from reproducible.inputs.rootlock import MAX_BYTES, parse_root_lock  # noqa: PLC0415
    from updater.files import Files  # noqa: PLC0415

    data = Files().read_if_there(path, most=MAX_BYTES)
    return None if data is None else parse_root_lock(data)
