"""`ringfence release`: publish releases that nobody can aim at one person."""

import contextlib
import hashlib
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

import click

from cli.countersign import sign, sign_file
from cli.desk import PROJECT, Desk
from cli.home import Home
from cli.output import json_option, note, show
from cli.release_status import status
from cli.vouching import ENDING, Voucher, sigstore, voucher_options
from updater.errors import RefusedError
from updater.files import Files
from updater.offer.channel import Channel
from updater.offer.product import Product
from updater.offer.waves import WHOLE, Wave
from updater.publish.build import Origin, build_bundle, make_patches
from updater.publish.draft import Built, Release, read_bundle, read_channel
from updater.publish.project import template
from updater.publish.roles import Signers
from updater.publish.run import Publisher
from updater.publish.serve import serve_folders
from updater.publish.vouching import Vouch
from updater.sigstore.rekor import MOST_BYTES
from updater.transparency.claims.yank import REASONS
from updater.transparency.key import Kind, VerifierKey
from updater.transparency.tiles import MAX_ENTRY

_PATH = click.Path(path_type=Path)
_AT_ONCE = (Wave(0, WHOLE),)

_folder_argument = click.argument("folder", type=_PATH)
_wait_option = click.option(
    "--wait", default=600, show_default=True, type=click.IntRange(min=0),
    help="Seconds to wait for witnesses.",
)  # fmt: skip


@click.group(epilog="Example: ringfence release status app-release")
def release() -> None:
    """Publish releases that nobody can aim at one person.

    All of it lies in one private FOLDER, with keys and log; its folder 'public' is
    what any web server can serve.
    """


release.add_command(sign)
release.add_command(sign_file)
release.add_command(sigstore)
release.add_command(status)


@release.command(epilog="Example: ringfence release init app-release --name app")
@click.argument("folder", type=_PATH)
@click.option("--name", default="app", show_default=True, help="Of the program.")
@click.option("--project", help="Its package URL.  [default: pkg:pypi/NAME]")
@click.option("--small", is_flag=True, help="One key for each office.")
@_wait_option
@json_option
@click.pass_obj
def init(  # noqa: PLR0913 - one argument for each option
    home: Home, *, folder: Path, name: str, project: str | None, small: bool, wait: int
) -> None:
    """Begin: first release.toml, then all the rest.

    Run it again once you have looked the file over and made the keys.
    """
    path = folder / PROJECT
    if not path.exists():
        Files().make_folder(folder)
        Files().make_folder(folder / "keys")
        text = template(name, project or f"pkg:pypi/{name}", is_small=small)
        Files().create(path, text.encode())
        show({"wrote": str(path)}, f"wrote {path}")
        note("look it over, make the keys with 'ringfence release key', and run again")
        return
    with contextlib.ExitStack() as held:
        desk = Desk(home, folder, held)
        publisher = desk.publisher(wait_s=wait)
        publisher.create(desk.setup())
        _done(desk, publisher, f"{desk.project.product.name}: public")


@release.command(epilog="Example: ringfence release key app-release log root-1")
@_folder_argument
@click.argument("names", nargs=-1)
@click.option("--insecure-plain-key", is_flag=True, help="Allow plain: keys.")
@json_option
@click.pass_obj
def key(
    home: Home, *, folder: Path, names: tuple[str, ...], insecure_plain_key: bool
) -> None:
    """Make the keys NAMES of release.toml.

    Without names, all that are not there yet.
    """
    with contextlib.ExitStack() as held:
        desk = Desk(home, folder, held)
        for name in names or desk.project.keys:
            if desk.create_key(name, is_plain=insecure_plain_key):
                show({"key": name}, f"made {name}")
        setup = desk.publics().get(desk.project.log_key)
        if setup is not None:
            raw = setup[-32:]  # of Ed25519, the end of the DER (RFC 8410)
            vkey = str(VerifierKey(desk.project.origin, Kind.LOG, public=raw))
            show({"log": vkey}, f"log {vkey}")


@release.command(
    epilog="Example: ringfence release build app-release --bundle app-1.0-….tar"
)
@_folder_argument
@click.option("--bundle", "bundles", type=_PATH, multiple=True, help="One a platform.")
@click.option(
    "--from",
    "made_in",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Take all bundles of this folder, which a build wrote.",
)
@click.option("--wheel", "wheels", type=_PATH, multiple=True, help="The app's first.")
@click.option("--platform", help="Of the wheels, as cp312-linux-x86_64.")
@click.option("--commit", default="0" * 40, help="Of the source.")
@click.option("--epoch", default=315_532_800, help="SOURCE_DATE_EPOCH of the build.")
@click.option("--tree", default="0" * 64, help="SHA-256 of the source tree.")
@click.option("--recipe", default="0" * 64, help="SHA-256 of the recipe.")
@click.option("--lock", default="0" * 64, help="SHA-256 of the lock file.")
@click.option(
    "--toolchain-lock",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The lock of what built it.  [default: pylock.build.toml in --from]",
)
@click.option("--channel", help="[default: that of release.toml]")
@click.option("--security", is_flag=True, help="It closes a hole: wait less.")
@click.option("--at-once", is_flag=True, help="No waves: everybody after the cooldown.")
@click.option(
    "--sigstore", "signed", type=_PATH, multiple=True, help="BUNDLE.sigstore.json."
)
@click.option("--minimum", help="The oldest version that stays supported.")
@voucher_options
@json_option
@click.pass_obj
def build(  # noqa: PLR0913 - one argument for each option
    home: Home,
    *,
    folder: Path,
    bundles: tuple[Path, ...],
    made_in: Path | None,
    wheels: tuple[Path, ...],
    platform: str | None,
    commit: str,
    epoch: int,
    tree: str,
    recipe: str,
    lock: str,
    toolchain_lock: Path | None,
    channel: str | None,
    security: bool,
    at_once: bool,
    signed: tuple[Path, ...],
    minimum: str | None,
    voucher: Voucher,
) -> None:
    """Draft a release of bundles, or of wheels that are made into one.

    Where the trust files ask for Sigstore, --oidc, --token-fd or --key signs here what
    comes without --sigstore.
    """
    with contextlib.ExitStack() as held:
        desk = Desk(home, folder, held)
        product = desk.project.product
        made, made_by = _made(made_in, product, toolchain_lock)
        paths = [*bundles, *made]
        if wheels:
            if platform is None:
                raise click.UsageError("wheels need --platform")
            origin = Origin(
                platform=platform,
                commit=commit,
                epoch=epoch,
                tree=tree,
                recipe=recipe,
                lock=lock,
            )
            out = desk.folder.path / "built"
            paths.append(build_bundle(wheels, product, origin, out))
        built = [read_bundle(each, product) for each in paths]
        patches = make_patches(desk.folder, product, built)
        wanted = Release(
            channel=channel or desk.project.channel,
            severity="security" if security else "normal",
            bundles=paths,
            sigstore=_vouched(built, signed, voucher.open(home, held)),
            patches=patches,
            repository=desk.project.source,
            lock=made_by,
            minimum=minimum,
            waves=_AT_ONCE if at_once else None,
        )
        desk.publisher().draft(wanted)
        for each in built:
            show(
                {"file": each.path.name, "sha256": each.listed.sha256},
                f"{each.listed.sha256}  {each.path.name}",
            )
        note(
            f"drafted, with {len(patches)} patches; 'ringfence release publish' goes on"
        )


@release.command(epilog="Example: ringfence release publish app-release")
@_folder_argument
@click.option("--statement", type=_PATH, multiple=True, help="What a rebuilder says.")
@click.option("--drop", is_flag=True, help="Give up what is under way instead.")
@click.option("--pause", help="Stop the roll-out of this channel.")
@click.option("--resume", help="Go on with it.")
@_wait_option
@json_option
@click.pass_obj
def publish(  # noqa: PLR0913 - one argument for each option
    home: Home,
    *,
    folder: Path,
    statement: tuple[Path, ...],
    drop: bool,
    pause: str | None,
    resume: str | None,
    wait: int,
) -> None:
    """Go on with what is under way: sign, log, try it out, upload."""
    with contextlib.ExitStack() as held:
        desk = Desk(home, folder, held)
        publisher = desk.publisher(wait_s=wait)
        if drop:
            publisher.drop()
            show({"dropped": True}, "dropped; the versions it signed stay used")
        elif statement:
            leaves = [Files().read(each, most=MAX_ENTRY) for each in statement]
            new = publisher.add_statements(leaves)
            show(
                {"new": new, "statements": len(leaves)},
                f"{len(leaves)} statements are public, {new} of them new",
            )
        elif name := pause or resume:
            changed = replace(_channel(publisher, name), paused=pause is not None)
            publisher.set_channel(changed)
            _done(desk, publisher, f"channel {name}: public")
        else:
            change = desk.folder.journal().change
            publisher.publish()
            _done(desk, publisher, f"{change.label if change else 'nothing'}: public")


@release.command(epilog="Example: ringfence release refresh app-release")
@_folder_argument
@_wait_option
@json_option
@click.pass_obj
def refresh(home: Home, *, folder: Path, wait: int) -> None:
    """Renew what ends soon: every six hours.

    Without it clients take the repository for one that is withheld.
    """
    with contextlib.ExitStack() as held:
        desk = Desk(home, folder, held)
        due = desk.publisher(wait_s=wait).refresh()
        for each in due:
            note(
                f"{each.role} ends in {each.left_s // 86_400} days: people have to sign"
            )
        show({"due": [each.role for each in due]}, "renewed")


@release.command(
    epilog="Example: ringfence release yank app-release 1.4.0 --reason backdoor"
)
@_folder_argument
@click.argument("version")
@click.option("--reason", type=click.Choice(REASONS), required=True)
@click.option("--replacement", help="The version to take instead.")
@click.option("--advisory", help="A URI to read.")
@_wait_option
@json_option
@click.pass_obj
def yank(  # noqa: PLR0913 - one argument for each option
    home: Home,
    *,
    folder: Path,
    version: str,
    reason: str,
    replacement: str | None,
    advisory: str | None,
    wait: int,
) -> None:
    """Withdraw VERSION for ever.

    In the log first, where it works at once; then the channel that offers it stops.
    """
    with contextlib.ExitStack() as held:
        desk = Desk(home, folder, held)
        publisher = desk.publisher(wait_s=wait)
        publisher.yank(
            version, reason=reason, replacement=replacement, advisory=advisory
        )
        show({"yanked": version}, f"{version}: yanked; nobody installs it any more")
        offered = read_channel(desk.folder, desk.project.channel)
        if offered is not None and offered.version == version:
            publisher.set_channel(replace(offered, paused=True))
            note(f"channel {offered.name} is paused until the next release")


@release.command(
    epilog="Example: ringfence release rotate app-release timestamp snapshot"
)
@_folder_argument
@click.argument("roles", nargs=-1, required=True)
@click.option("--at-once", is_flag=True, help="A key was stolen: do not announce.")
@_wait_option
@json_option
@click.pass_obj
def rotate(
    home: Home, *, folder: Path, roles: tuple[str, ...], at_once: bool, wait: int
) -> None:
    """Give ROLES the keys that release.toml names now."""
    with contextlib.ExitStack() as held:
        desk = Desk(home, folder, held)
        publics = desk.publics()
        signers = {}
        for role in roles:
            if role not in desk.project.roles:
                raise RefusedError(f"{PROJECT} names no role {role!r}")
            count, names = desk.project.roles[role]
            if missing := [each for each in names if each not in publics]:
                raise RefusedError(f"{role}: no public half of {', '.join(missing)}")
            signers[role] = Signers(count, tuple(publics[each] for each in names))
        publisher = desk.publisher(wait_s=wait)
        publisher.rotate(signers, at_once=at_once)
        _done(desk, publisher, f"new keys for {', '.join(roles)}: public")


@release.command(epilog="Example: ringfence release trust app-release")
@_folder_argument
@_wait_option
@json_option
@click.pass_obj
def trust(home: Home, folder: Path, wait: int) -> None:
    """Publish the trust files that release.toml makes now.

    Clients go by them once they were in the log for policy_delay_s.
    """
    with contextlib.ExitStack() as held:
        desk = Desk(home, folder, held)
        publisher = desk.publisher(wait_s=wait)
        publisher.set_trust(desk.trust())
        _done(desk, publisher, "new trust files: public, and in force after their time")


@release.command(epilog="Example: ringfence release serve app-release --port 8080")
@_folder_argument
@click.option("--port", default=0, show_default=True, help="0 lets the system pick.")
@json_option
def serve(folder: Path, port: int) -> None:
    """Serve the public folder on this machine, until interrupted."""
    stopped = Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    with serve_folders([folder / "public"], port=port) as url:
        show({"url": url}, url)
        note("Ctrl-C stops")
        stopped.wait()


def _made(
    folder: Path | None, product: Product, lock: Path | None
) -> tuple[list[Path], str | None]:
    """Give the bundles of a build, and the hash of the lock of what built them."""
    if folder is None:
        return [], None if lock is None else _hash(lock)
    # Who publishes what others built needs no library of those who build.
    from cli.made import read_made  # noqa: PLC0415

    return read_made(folder, product, lock=lock)


def _hash(path: Path) -> str:
    with Files().open(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _vouched(
    built: Sequence[Built], signed: Sequence[Path], vouch: Vouch | None
) -> dict[str, bytes]:
    """Give the Sigstore bundles of a release by the file's SHA-256."""
    came = {each.name.removesuffix(ENDING): each for each in signed}
    if strange := came.keys() - {each.path.name for each in built}:
        raise click.UsageError(f"no bundle of this release is {min(strange)}")
    found = {}
    for each in built:
        sha256 = each.listed.sha256
        if each.path.name in came:
            found[sha256] = Files().read(came[each.path.name], most=MOST_BYTES)
        elif vouch is not None:
            found[sha256] = vouch(bytes.fromhex(sha256))
    return found


def _done(desk: Desk, publisher: Publisher, text: str) -> None:
    """Say that it is public, and what is waived all the same."""
    desk.write_anchor(publisher)
    for each in publisher.findings():
        if each.code in desk.project.waived:
            note(f"waived: {each.code}: {each.text}")
    show({"public": str(desk.folder.public)}, text)


def _channel(publisher: Publisher, name: str) -> Channel:
    found = read_channel(publisher.folder, name)
    if found is None:
        raise RefusedError(f"no channel {name} is public")
    return found
