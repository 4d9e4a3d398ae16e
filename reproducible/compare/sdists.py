"""Classes of difference between two source archives; see `wheels` for what they are."""

from reproducible.archive.sdists import Sdist
from reproducible.archive.tars import TarEntry
from reproducible.compare import members
from reproducible.compare.contents import Change, describe
from reproducible.compare.members import Field, said
from reproducible.compare.verdict import Difference, Kind


def classify_sdists(published: Sdist, rebuilt: Sdist, *, name: str) -> list[Difference]:
    """Say likewise how two source archives differ; `name` is the published file's."""

    def change(old: TarEntry, new: TarEntry) -> Change | None:
        if (old.kind, old.target) != (new.kind, new.target):
            return Change(
                native=False, words=f"{_kind(old)} published, {_kind(new)} rebuilt"
            )
        return describe([published.data(old)], [rebuilt.data(new)])

    theirs, ours = published.entries, rebuilt.entries
    paired = members.pairs(theirs, ours)
    found = members.file_set(theirs, ours)
    found += members.changes(paired, change, _sdist_kind)
    found += members.order(theirs, ours)
    for old, new in paired:
        found += _tar_header(published, rebuilt, old, new)
    found += _gzip(published, rebuilt, name)
    return members.in_order(found)


def _sdist_kind(name: str) -> Kind:
    inside = name.partition("/")[2]
    is_about = inside == "PKG-INFO" or ".egg-info/" in inside
    return "dist-info" if is_about else "code"


def _kind(entry: TarEntry) -> str:
    return f"{entry.kind} to {entry.target!r}" if entry.target else entry.kind


def _tar_header(
    published: Sdist, rebuilt: Sdist, old: TarEntry, new: TarEntry
) -> list[Difference]:
    found = said(
        "header",
        old.name,
        [
            ("mode", f"{old.mode:#o}", f"{new.mode:#o}"),
            ("mtime", old.mtime, new.mtime),
            ("owner", _owner(old), _owner(new)),
        ],
    )
    raw = [
        sdist.gzip.data[entry.start : entry.data_offset]
        for sdist, entry in ((published, old), (rebuilt, new))
    ]
    if found or raw[0] == raw[1] or (old.kind, old.size) != (new.kind, new.size):
        return found
    words = "one header, written in two forms"
    return [Difference("container", "both", old.name, words)]


def _owner(entry: TarEntry) -> str:
    owner = entry.owner
    return f"{owner.uid}:{owner.gid} {owner.user!r}:{owner.group!r}"


def _ending(sdist: Sdist) -> int:
    return len(sdist.gzip.data) - sdist.entries[-1].end


def _gzip(published: Sdist, rebuilt: Sdist, name: str) -> list[Difference]:
    """Compare what is around the members: zeros at the end, and the gzip member."""
    old, new = published.gzip, rebuilt.gzip
    ends = "zeros at the end", _ending(published), _ending(rebuilt)
    found = said("container", name, [ends])
    fields: list[Field] = [
        ("mtime", old.mtime, new.mtime),
        ("os", old.os, new.os),
        ("name", old.name, new.name),
    ]
    found += said("gzip", name, fields)
    # Another tar is another stream.
    if old.data == new.data and (old.xfl, old.packed) != (new.xfl, new.packed):
        words = f"{len(old.packed)} bytes published, {len(new.packed)} rebuilt"
        found.append(Difference("deflate", "both", name, words))
    return found
