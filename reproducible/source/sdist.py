"""A source archive as a tree."""

from reproducible.inputs.tree import Tree


def sdist_tree(data: bytes) -> Tree:
    """Read a `.tar.gz`; its one top folder is left away, modes and times are kept.

    Raises:
        MalformedError: it is not of the strict form.
        UnsupportedError: `source-form`: a link leaves the tree, or there is too much.
    """
    raise NotImplementedError
