"""A source archive as a tree."""

from reproducible.archive.sdists import open_sdist
from reproducible.inputs.tree import SourceFile, Tree, make_tree


def sdist_tree(data: bytes) -> Tree:
    """Read a `.tar.gz`; its one top folder is left away, modes and times are kept.

    Raises:
        MalformedError: it is not of the strict form.
        UnsupportedError: `source-form`: a link leaves the tree, or there is too much.
    """
    sdist = open_sdist(data)
    return make_tree(
        SourceFile(
            entry.name.removeprefix(f"{sdist.top}/"),
            sdist.data(entry),
            executable=entry.executable,
            link=entry.target if entry.kind == "link" else None,
            mode=entry.mode,
            mtime=int(entry.mtime),
        )
        for entry in sdist.entries
        if entry.kind != "folder"
    )
