"""What a release says it was built from, twice: in its claim and in its file.

Rules. The claim stands in the log and counts; the manifest in the bundle knows more of
its platform. Where both speak of one thing they must say the same.
"""

from reproducible.builds.plan import Claimed
from reproducible.errors import SourceError
from updater.archive.bundle import Manifest
from updater.findings import Failed
from updater.transparency.claims.release import ReleaseClaim


def claimed(release: ReleaseClaim, manifest: Manifest | Failed) -> Claimed:
    """Say what a build of a published file must begin with.

    Of bytes that are no bundle only the claim is known; comparing them will tell.

    Raises:
        SourceError: the bundle says to be built from something else than is claimed.
    """
    if isinstance(manifest, Failed):
        return Claimed(
            recipe_sha256=release.build.recipe,
            tools_sha256=release.build.lock,
            epoch=release.build.source_date_epoch,
        )
    said = {
        "commit": (manifest.commit, release.source.commit),
        "recipe": (manifest.recipe_sha256, release.build.recipe),
        "epoch": (str(manifest.epoch), str(release.build.source_date_epoch)),
    }
    for name, (inside, outside) in said.items():
        if inside != outside:
            raise SourceError(f"{name}: claimed is {outside}, the bundle says {inside}")
    return Claimed(
        tree_sha256=manifest.tree_sha256,
        recipe_sha256=release.build.recipe,
        tools_sha256=release.build.lock,
        apps={manifest.platform: manifest.lock_sha256},
        epoch=release.build.source_date_epoch,
    )
