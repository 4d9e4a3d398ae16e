"""`ringfence release sign`: with the keys here, or by files that go to other people."""

import contextlib
import hashlib
from pathlib import Path

import click

from cli.desk import Desk
from cli.home import Home
from cli.output import escape, json_option, note, show
from updater.files import Files
from updater.publish import metadata
from updater.publish.differences import differences
from updater.publish.keys import KeyFiles, open_module, parse_uri
from updater.publish.signatures import CLAIM, Signatures, countersign
from updater.statement import parse_envelope

_PATH = click.Path(path_type=Path)
_MOST = 8 << 20  # bytes of a file that waits for signatures


@click.command(epilog="Example: ringfence release sign app-release --export for-anna")
@click.argument("folder", type=_PATH)
@click.option("--export", type=_PATH, help="Write what is missing into this folder.")
@click.option("--import", "taken", type=_PATH, multiple=True, help="Add signatures.")
@json_option
@click.pass_obj
def sign(home: Home, folder: Path, export: Path | None, taken: tuple[Path, ...]) -> int:
    """Sign what is under way, with the keys here.

    Code 3 means that signatures are missing even so. Exported files are signed
    elsewhere with 'ringfence release sign-file'. Compare the SHA-256 aloud: what is
    shown is what is signed.
    """
    with contextlib.ExitStack() as held:
        desk = Desk(home, folder, held)
        publisher = desk.publisher()
        for each in taken:
            data = Files().read(each, most=_MOST)
            if each.stem == CLAIM:
                publisher.signatures.take_claim(data)
            else:
                publisher.signatures.take_role(each.stem, data)
            note(f"took the signatures on {each.stem}")
        missing = publisher.sign() if not taken and not export else None
        if export is not None:
            _export(desk, publisher.signatures, export)
        missing = publisher.signatures.missing() if missing is None else missing
        for left in missing:
            show(
                {"count": left.count, "missing": left.what},
                f"missing: {left.what}, {left.count} of {len(left.keys)} keys",
            )
        return 3 if missing else 0


@click.command(
    "sign-file",
    epilog="Example: ringfence release sign-file releases.json --key sealed:anna.key",
)
@click.argument("file", type=_PATH)
@click.option("--key", "uri", required=True, help="sealed:, plain: or hsm: …")
@json_option
@click.pass_obj
def sign_file(home: Home, file: Path, uri: str) -> None:
    """Sign an exported FILE with one key, elsewhere."""
    data = Files().read(file, most=_MOST)
    _tell(file.stem, data, None)
    with contextlib.ExitStack() as held:
        found = parse_uri(uri)
        key = (
            held.enter_context(open_module(found, home.passphrase))[1]
            if found.scheme == "hsm"
            else KeyFiles(Path.cwd(), Files()).open(found, home.passphrase)
        )
        Files().replace(file, countersign(file.stem, data, key))


def _export(desk: Desk, signatures: Signatures, out: Path) -> None:
    Files().make_folder(out)
    for each in signatures.missing():
        if each.what == CLAIM:
            data, public = desk.folder.claim(), None
        else:
            data = desk.folder.staged_role(each.what)
            public = desk.folder.role(each.what, staged=False)
        assert data is not None  # as it misses signatures
        Files().replace(out / f"{each.what}.json", data, 0o644)
        _tell(each.what, data, public)


def _tell(what: str, data: bytes, public: bytes | None) -> None:
    """Say what is to be signed, so that two people can compare it aloud.

    It came from somebody else, who may wish it to look like something else.
    """
    if what == CLAIM:
        payload = parse_envelope(data).payload
        lines = [payload.decode(errors="backslashreplace")]
    else:
        payload = metadata.payload(data)
        before = metadata.read(public) if public else None
        lines = differences(before, metadata.read(data))
    digest = hashlib.sha256(payload).hexdigest()
    facts = {"changes": lines, "sha256": digest, "what": what}
    show(facts, *map(escape, (what, *lines)), digest)
