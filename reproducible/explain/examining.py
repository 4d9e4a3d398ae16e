"""Two files of this machine, compared and explained. Carrier."""

from pathlib import Path

from reproducible.compare.comparing import compare
from reproducible.explain.explaining import Explained, explain
from reproducible.explain.report import MAX_BYTES, parse_report
from updater.archive.opened import opened
from updater.files import Files


def examine(
    published: Path, rebuilt: Path, *, own: bool = False, diffoscope: bool = False
) -> Explained:
    """Compare two files, and say why they differ if they do.

    Links are followed; what a file is, the name says by which it is called here.

    Args:
        published: what is distributed.
        rebuilt: what came out of the build.
        own: whether it is ours to reproduce, so that no header field is excepted.
        diffoscope: whether to ask that program, too, where the files differ.

    Raises:
        StoreError: a file cannot be read.
        InputError: a file changed while it was read.
        MissingError: diffoscope is wanted, and not there.
        IsolationError: it is wanted, and there is no wall to run it behind.
    """
    files = Files()
    with (
        opened(files, published.resolve()) as theirs,
        opened(files, rebuilt.resolve()) as ours,
    ):
        comparison = compare(
            theirs, ours, name=published.name, rebuilt_name=rebuilt.name, own=own
        )
        found = explain(comparison, theirs, ours)
    if diffoscope and comparison.verdict != "identical":
        # Takes the sandbox with it, which a comparison does not need.
        from reproducible.explain.diffoscope import ask_diffoscope  # noqa: PLC0415
        from reproducible.sandbox.host import Host  # noqa: PLC0415

        return ask_diffoscope(found, published, rebuilt, host=Host.here())
    return found


def read_report(path: Path) -> Explained:
    """Read a report that was written before.

    Raises:
        StoreError: the file cannot be read.
        MalformedError: it is no report.
    """
    return Explained(parse_report(Files().read(path.resolve(), most=MAX_BYTES)))
