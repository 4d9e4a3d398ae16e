"""`ringfence log`: write a public log, witness one, look one over."""

import time
from dataclasses import asdict
from pathlib import Path

import click

from cli import following
from cli.evidence import evidence
from cli.home import Home
from cli.keys import create_key, read_key
from cli.output import escape, json_option, note, show
from cli.policies import policy
from cli.witnesses import reader_of, witness
from updater.errors import RefusedError
from updater.files import Files
from updater.transparency.addresses import MAX_BYTES, parse_addresses
from updater.transparency.admission import Register
from updater.transparency.asking import ask
from updater.transparency.claims.parts import Head
from updater.transparency.claims.successor import SuccessorClaim
from updater.transparency.entry import parse_entry
from updater.transparency.folder import Facts, LogFolder
from updater.transparency.fsck import Fsck
from updater.transparency.gathering import Gatherer
from updater.transparency.key import Kind, parse_vkey
from updater.transparency.log import Log
from updater.transparency.monitor import Monitor
from updater.transparency.policy import MAX_POLICY, parse_policy
from updater.transparency.proof import format_proof
from updater.transparency.publishing import Means, Published
from updater.transparency.tiles import MAX_ENTRY
from updater.transparency.trust import MAX_TRUST_BYTES, parse_trust

_MAX_OFFERED = 1 << 20  # bytes of a list of files
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_NEW = click.Path(path_type=Path)

_key_option = click.option(
    "--key", type=_FILE, help="The log's private key.  [default: FOLDER/private/key]"
)
_wait_option = click.option(
    "--wait",
    default=600,
    show_default=True,
    type=click.IntRange(min=0),
    help="Seconds to wait for witnesses.",
)
_dev_option = click.option(
    "--dev", is_flag=True, help="Publish although no witness can be asked."
)


@click.group(epilog="Example: ringfence log publish log")
def log() -> None:
    """Write, witness and check the public log of releases.

    A log is a FOLDER with two in it: 'public', which any web server can serve, and
    'private', which stays with whoever writes it.
    """


log.add_command(witness)
log.add_command(policy)
log.add_command(evidence)
for each in (following.status, following.verify, following.unfreeze, following.state):
    log.add_command(each)


@log.command(epilog="Example: ringfence log keygen bt.example/app/1 --out log.key")
@click.argument("name")
@click.option("--out", type=_NEW, required=True, help="Write the private key here.")
@click.option("--witness", "cosigns", is_flag=True, help="A key that cosigns logs.")
@click.option("--insecure-plain-key", is_flag=True, help="Without a passphrase.")
@json_option
@click.pass_obj
def keygen(
    home: Home, *, name: str, out: Path, cosigns: bool, insecure_plain_key: bool
) -> None:
    """Make the private key of a log or witness.

    NAME is the origin of the log, or the name of the witness.
    """
    kind = Kind.WITNESS if cosigns else Kind.LOG
    made = create_key(home, out, name, kind, is_plain=insecure_plain_key)
    show({"vkey": str(made.verifier)}, str(made.verifier))


@log.command(
    epilog="Example: ringfence log init log --vkey VKEY --policy policy"
    " --trust trust.json"
)
@click.argument("folder", type=_NEW)
@click.option("--vkey", required=True, help="The log's public key.")
@click.option(
    "--policy", "policy_file", type=_FILE, required=True, help="Who witnesses."
)
@click.option("--trust", type=_FILE, required=True, help="Who may claim what.")
@click.option("--witnesses", type=_FILE, help="Where witnesses are asked.")
@click.option("--contact", default="", help="How people reach you; public.")
@click.option("--after", type=_FOLDER, help="The log that this one follows.")
@json_option
def init(  # noqa: PLR0913 - one argument for each option
    *,
    folder: Path,
    vkey: str,
    policy_file: Path,
    trust: Path,
    witnesses: Path | None,
    contact: str,
    after: Path | None,
) -> None:
    """Make the FOLDER of an empty log."""
    files = Files()
    facts = Facts(parse_vkey(vkey), contact=contact)
    log_folder(folder).create(
        facts,
        policy=files.read(policy_file, most=MAX_POLICY),
        trust=files.read(trust, most=MAX_TRUST_BYTES),
        register=_after(after) if after else Register(),
        witnesses=(
            parse_addresses(files.read(witnesses, most=MAX_BYTES)) if witnesses else {}
        ),
    )
    show({"origin": facts.key.name}, f"{facts.key.name}: empty, in {folder}")


@log.command(epilog="Example: ringfence log append log claim.json")
@click.argument("folder", type=_FOLDER)
@click.argument("claims", type=_FILE, nargs=-1, required=True)
@json_option
def append(folder: Path, claims: tuple[Path, ...]) -> None:
    """Let signed CLAIMS wait for the next publication.

    Each is checked as clients will check it: all of them wait, or none.
    """
    leaves = [Files().read(claim, most=MAX_ENTRY) for claim in claims]
    hashes = Log(log_folder(folder)).append(leaves)
    for claim, leaf_hash in zip(claims, hashes, strict=True):
        show({"leafHash": leaf_hash.hex()}, f"{leaf_hash.hex()} {claim.name} waits")


@log.command(epilog="Example: ringfence log publish log --wait 60")
@click.argument("folder", type=_FOLDER)
@_key_option
@_wait_option
@_dev_option
@json_option
@click.pass_obj
def publish(
    home: Home, *, folder: Path, key: Path | None, wait: int, dev: bool
) -> None:
    """Append what waits, have it witnessed, and show it to everybody.

    What an earlier run began and did not end is finished first.
    """
    means = log_means(home, folder, key, wait_s=wait, is_dev=dev)
    _show(Log(log_folder(folder)).publish(means))


@log.command(epilog="Example: ringfence log refresh log")
@click.argument("folder", type=_FOLDER)
@_key_option
@_wait_option
@json_option
@click.pass_obj
def refresh(home: Home, *, folder: Path, key: Path | None, wait: int) -> None:
    """Have the log witnessed anew; daily, or it looks withheld."""
    means = log_means(home, folder, key, wait_s=wait, is_dev=False)
    _show(Log(log_folder(folder)).refresh(means))


@log.command(epilog="Example: ringfence log rotate log successor.json")
@click.argument("folder", type=_FOLDER)
@click.argument("claim", type=_FILE)
@_key_option
@_wait_option
@json_option
@click.pass_obj
def rotate(
    home: Home, *, folder: Path, claim: Path, key: Path | None, wait: int
) -> None:
    """Close the log with a signed successor CLAIM.

    It is the last entry for ever; 'ringfence log init --after FOLDER' makes the next.
    """
    leaf = Files().read(claim, most=MAX_ENTRY)
    if not isinstance(parse_entry(leaf).claim, SuccessorClaim):
        raise RefusedError(f"{claim}: expected a successor")
    writer = Log(log_folder(folder))
    writer.append([leaf])
    _show(writer.publish(log_means(home, folder, key, wait_s=wait, is_dev=False)))


@log.command(epilog="Example: ringfence log prove log 12 --out app.tlog-proof")
@click.argument("folder", type=_FOLDER)
@click.argument("index", type=click.IntRange(min=0))
@click.option("--out", type=_NEW, help="Write the proof here.  [default: print it]")
@json_option
def prove(folder: Path, index: int, out: Path | None) -> None:
    """Prove that the entry at INDEX is in the log."""
    proof = format_proof(Log(log_folder(folder)).prove(index))
    if out is None:
        show({"proof": proof.decode()}, proof.decode().removesuffix("\n"))
    else:
        Files().create(out, proof, 0o644)


@log.command(epilog="Example: ringfence log fsck log/public --log VKEY")
@click.argument("public", type=_FOLDER)
@click.option("--log", "vkey", required=True, help="The log's public key.")
@click.option("--policy", "policy_file", type=_FILE, help="[default: the folder's]")
@click.option("--trust", type=_FILE, help="[default: the folder's]")
@json_option
def fsck(public: Path, vkey: str, policy_file: Path | None, trust: Path | None) -> None:
    """Recompute every tile, root, proof and claim of a PUBLIC folder."""
    files = Files()
    policy_data = files.read(policy_file or public / "policy", most=MAX_POLICY)
    trust_data = files.read(trust or public / "trust.json", most=MAX_TRUST_BYTES)
    checker = Fsck(
        public,
        parse_vkey(vkey),
        policy=parse_policy(policy_data),
        trust=parse_trust(trust_data),
    )
    errors = 0
    for found in checker.findings(time.time()):
        errors += found.level == "error"
        show(found._asdict(), escape(f"{found.level}: {found.where}: {found.text}"))
    if errors:
        raise RefusedError(f"{public}: {errors} errors")
    note("every tile, root, proof and claim is as it must be")


@log.command(
    epilog="Example: ringfence log monitor https://bt.example --log VKEY"
    " --policy policy --trust trust.json --memory watch.json"
)
@click.argument("source")
@click.option("--log", "vkey", required=True, help="The log's public key.")
@click.option(
    "--policy", "policy_file", type=_FILE, required=True, help="Who witnesses."
)
@click.option("--trust", type=_FILE, required=True, help="Who may claim what.")
@click.option("--memory", type=_NEW, required=True, help="What was seen before.")
@click.option("--published", type=_FILE, help="SHA-256 of what is offered, one a line.")
@json_option
def monitor(  # noqa: PLR0913 - one argument for each option
    *,
    source: str,
    vkey: str,
    policy_file: Path,
    trust: Path,
    memory: Path,
    published: Path | None,
) -> None:
    """Look at a log once, on behalf of everybody.

    SOURCE is a folder or a URL. Every alarm is a line. With any, the code is 1, and 4
    if two trees are proven.
    """
    files = Files()
    watcher = Monitor(
        reader_of(source),
        parse_vkey(vkey),
        memory,
        policy=parse_policy(files.read(policy_file, most=MAX_POLICY)),
        trust=parse_trust(files.read(trust, most=MAX_TRUST_BYTES)),
    )
    offered = published and files.read(published, most=_MAX_OFFERED).decode().split()
    count = 0
    for each in watcher.look(time.time(), offered or None):
        count += 1
        show(asdict(each), escape(f"{each.code}: {each.where}: {each.text}"))
    if count:
        raise RefusedError(f"{source}: {count} alarms")


def log_folder(folder: Path) -> LogFolder:
    """Give the two folders of a log, as everything here names it by one."""
    return LogFolder(folder / "public", folder / "private")


def _after(folder: Path) -> Register:
    """Begin where the log before this one ended: its versions stay taken."""
    old = log_folder(folder)
    register, tree = old.register(), old.journal()
    if not register.is_closed:
        raise RefusedError(f"{folder}: expected a log that ends with a successor")
    head = Head(tree.origin, tree.size, tree.root)
    return Register(versions=register.versions, predecessor=head)


def log_means(
    home: Home, folder: Path, key: Path | None, *, wait_s: int, is_dev: bool
) -> Means:
    """Gather what publishing takes from the folder and the options."""
    place = log_folder(folder)
    own = place.facts().key
    return Means(
        key=read_key(home, key or place.key, own.name, Kind.LOG),
        gatherer=Gatherer(
            place.policy(), place.addresses(), own, ask=ask, files=place.files
        ),
        now=time.time,
        sleep=time.sleep,
        wait_s=wait_s,
        is_dev=is_dev,
    )


def _show(published: Published) -> None:
    tree = published.checkpoint
    for name, why in published.silent.items():
        note(escape(f"{name} did not sign: {why}"))
    show(
        {
            "added": published.added,
            "origin": tree.origin,
            "root": tree.root.hex(),
            "silent": published.silent,
            "size": tree.size,
        },
        f"{tree.origin}: {tree.size} entries, {published.added} new",
    )
