"""Being judged by others: the clients that public conformance suites drive.

Glue over public names, without a rule of its own. Hidden from help, as nobody else
needs it. The answer is 0 or 1 and nothing else, which is what the suites ask for.

The TUF half is the protocol of tuf-conformance, the Sigstore half that of
sigstore-conformance. What is only ours (layout, lifetimes, the signed floor of time,
the policy of identities) is left out on purpose: it is the gates'.
"""

import hashlib
import re
import time
import traceback
from pathlib import Path
from urllib.parse import quote

import click
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from cli import output
from cli.codes import Code
from updater.errors import UpdateError

_DIGEST = re.compile("sha256:([0-9a-f]{64})")
_PATH = click.Path(path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _YesOrNo(click.Group):
    """A group that answers 0 or 1, whatever happens below it."""

    def invoke(self, ctx: click.Context) -> Code:
        """Run a command; everything that is raised there is a no."""
        try:
            super().invoke(ctx)
        except click.exceptions.Exit:  # --help
            raise
        except Exception as error:  # noqa: BLE001 - a suite cannot tell one no from another
            if not isinstance(error, UpdateError | click.ClickException):
                traceback.print_exception(error)
            output.complain(str(error) or type(error).__name__)
            return Code.REFUSED
        return Code.DONE


@click.group(cls=_YesOrNo, hidden=True)
def conformance() -> None:
    """Answer public conformance suites."""


@conformance.group("tuf")
@click.option("--metadata-dir", type=_PATH, required=True)
@click.option("--metadata-url", default="")
@click.option("--target-name", "names", multiple=True)
@click.option("--target-base-url", default="")
@click.option("--target-dir", type=_PATH)
@click.pass_context
def tuf_(ctx: click.Context, /, **options: object) -> None:
    """Be a client of The Update Framework."""
    ctx.obj = options


@tuf_.command()
@click.argument("trusted_root", type=_FILE)
@click.pass_obj
def init(options: dict[str, Path], trusted_root: Path) -> None:
    """Trust a root; asks nobody."""
    from updater.files import Files  # noqa: PLC0415 - tuf takes 0.2 s
    from updater.tuf.repository import begin  # noqa: PLC0415

    begin(options["metadata_dir"], trusted_root.read_bytes(), Files())


@tuf_.command()
@click.pass_obj
def refresh(options: dict[str, str]) -> None:
    """Fetch and verify the metadata of the top-level roles."""
    _take(options, [], Path())


@tuf_.command()
@click.pass_obj
def download(options: dict[str, str]) -> None:
    """Fetch files in the order in which they are named, and verify them."""
    _take(options, [*options["names"]], Path(options["target_dir"]))


def _take(options: dict[str, str], names: list[str], folder: Path) -> None:
    from updater.errors import RepositoryError  # noqa: PLC0415
    from updater.fetch.fetch import Fetcher, Network  # noqa: PLC0415
    from updater.files import Files  # noqa: PLC0415
    from updater.tuf.layout import Anchor  # noqa: PLC0415
    from updater.tuf.repository import Repository, Site, stored_root  # noqa: PLC0415

    files, metadata = Files(), Path(options["metadata_dir"])
    site = Site(_slash(options["metadata_url"]), _slash(options["target_base_url"]))
    anchor = Anchor(stored_root(metadata, files), time.time(), checked=False)
    with (
        Fetcher(files, Network(loopback=True)) as fetcher,
        Repository(metadata, fetcher, [site], anchor, files) as repository,
    ):
        repository.refresh()
        for name in names:
            target = repository.find(name)
            if target is None:
                raise RepositoryError("missing", f"{name!r} is not listed")
            repository.download(target, folder / quote(name, safe=""))


def _slash(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"


@conformance.group("sigstore")
def sigstore_() -> None:
    """Be a client of Sigstore."""


@sigstore_.command("verify-bundle")
@click.option("--bundle", type=_FILE, required=True)
@click.option("--certificate-identity", "subject")
@click.option("--certificate-oidc-issuer", "issuer")
@click.option("--key", type=_FILE)
@click.option("--trusted-root", type=_FILE)
@click.option("--staging", is_flag=True)
@click.argument("artifact")
def verify_bundle(  # noqa: PLR0913 - one argument for each option
    *,
    bundle: Path,
    subject: str | None,
    issuer: str | None,
    key: Path | None,
    trusted_root: Path | None,
    staging: bool,
    artifact: str,
) -> None:
    """Verify that a bundle vouches for ARTIFACT, a file or sha256:HEX; asks nobody."""
    from updater.sigstore import signature  # noqa: PLC0415 - sigstore takes half a second
    from updater.sigstore.signer import Signer, check_signer, read_signer  # noqa: PLC0415

    if trusted_root is not None:
        root = trusted_root.read_bytes()
    else:
        root = signature.carried_root(is_staging=staging)
    data, digest = bundle.read_bytes(), _digest(artifact)
    if key is not None:
        public = load_pem_public_key(key.read_bytes())
        spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        signature.verify_with_key(data, digest, trusted_root=root, spki=spki)
    elif subject is None or issuer is None:
        raise click.UsageError(
            "give --key, or --certificate-identity and --certificate-oidc-issuer"
        )
    else:
        facts = signature.verify(data, digest, trusted_root=root)
        check_signer(read_signer(facts.certificate), Signer(issuer, subject))


def _digest(artifact: str) -> bytes:
    if named := _DIGEST.fullmatch(artifact):
        return bytes.fromhex(named[1])
    with Path(artifact).open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
