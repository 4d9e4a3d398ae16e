"""Two files compared: hash first, then proof, then classes.

`identical` is said when the SHA-256 of both files is equal, and never else: no archive
is normalised before it is hashed. Files that differ are read again, wholly; the bytes
that are taken apart are the bytes whose hash is stated.
"""

from collections.abc import Mapping

from reproducible.compare.verdict import Comparison
from updater.archive.extent import Extent

MAX_BYTES = 512 * 1024 * 1024
"""Ten times our bundle; files that differ are held in memory."""


def compare(
    published: Extent,
    rebuilt: Extent,
    *,
    name: str,
    rebuilt_name: str | None = None,
    own: bool = False,
    reasons: Mapping[str, str] | None = None,
) -> Comparison:
    """Say whether two files are the same, and if not, how they differ.

    Args:
        published: what is distributed.
        rebuilt: what came out of the build.
        name: the published file's, without a folder; its ending says what it is:
            `.whl`, `.tar.gz` or `.tgz` (an sdist), `.tar` (a bundle). Files of another
            ending, and tars that are no bundles, are compared byte by byte alone.
        rebuilt_name: likewise; the same name if it is not given.
        own: whether it is ours to reproduce, so that no header field is excepted.
            Always so for bundles.
        reasons: by header field, why an exception was expected there; one that was
            found without it has the reason `unlisted`.

    Raises:
        InputError: a file changed while it was read.
    """
    raise NotImplementedError
