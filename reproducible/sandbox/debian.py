"""Which packages a Debian root is made of, read from dpkg's and apt's own lists.

Rules. Both are in the control-file form of Debian (deb-control(5)): paragraphs, an
empty line between them, and one `Field: value` a line; what goes on over more lines
starts with a space and is of no interest here.
"""

from collections.abc import Iterator

from reproducible.inputs.rootlock import RootPackage
from updater.errors import MalformedError

_INSTALLED = "install ok installed"


def packages_of(status: str, index: str) -> tuple[RootPackage, ...]:
    """List what is installed, by name and architecture, with the hash of its archive.

    `status` is dpkg's, `index` are all the `Packages` files that apt chose from.

    Raises:
        MalformedError: a package that is installed is not in the index, or a
            paragraph lacks a field.
    """
    hashes = {_key(fields): _field(fields, "SHA256") for fields in _paragraphs(index)}
    found: list[RootPackage] = []
    for fields in _paragraphs(status):
        if _field(fields, "Status") != _INSTALLED:
            continue
        name, version, arch = key = _key(fields)
        if key not in hashes:
            raise MalformedError(f"{name} {version}: expected it in the index")
        found.append(RootPackage(name, version, arch=arch, sha256=hashes[key]))
    return tuple(sorted(found, key=lambda package: (package.name, package.arch)))


def _paragraphs(text: str) -> Iterator[dict[str, str]]:
    for paragraph in text.split("\n\n"):
        lines = [line.partition(":") for line in paragraph.splitlines()]
        fields = {
            key: value.strip() for key, _, value in lines if key.strip() == key != ""
        }
        if fields:
            yield fields


def _key(fields: dict[str, str]) -> tuple[str, str, str]:
    name, version = _field(fields, "Package"), _field(fields, "Version")
    return name, version, _field(fields, "Architecture")


def _field(fields: dict[str, str], name: str) -> str:
    if name not in fields:
        raise MalformedError(f"package list: expected a field {name}, found none")
    return fields[name]
