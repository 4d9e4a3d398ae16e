"""Bundles that somebody put a hand to, each in one way."""

from collections.abc import Mapping
from dataclasses import replace

from tests.reproducible import tampered_wheels
from tests.reproducible.tampering_case import Case
from tests.updater.wheels import bundle_of, manifest_of, small_wheels
from updater.archive.bundle import Manifest
from updater.archive.ustar import padding

NAME = "ringfence-1.0-cp312-linux-x86_64.tar"
WHEELS = {tampered_wheels.NAME: tampered_wheels.GOOD, **small_wheels()}
MANIFEST = manifest_of(WHEELS)
GOOD = bundle_of(MANIFEST, WHEELS)


def _with(wheels: Mapping[str, bytes], **said: object) -> bytes:
    return _manifest(replace(manifest_of(wheels), **said), wheels)  # type: ignore[arg-type]  # any field


def _manifest(manifest: Manifest, wheels: Mapping[str, bytes] = WHEELS) -> bytes:
    return bundle_of(manifest, wheels)


def _wheel(about: str) -> bytes:
    """Put a tampered wheel in, and list it as it is."""
    case = next(each for each in tampered_wheels.CASES if each.about == about)
    return _with(WHEELS | {tampered_wheels.NAME: case.tampered})


def _bent(offset: int, raw: bytes) -> bytes:
    return GOOD[:offset] + raw + GOOD[offset + len(raw) :]


_MANIFEST_END = GOOD.index(b'"version":"1.0"}') + 16
_LAST = GOOD.rindex(b"wheels/")
_MORE = WHEELS | {"more-1.0-py3-none-any.whl": b"PK"}

_TAMPERED: Mapping[str, tuple[str, bytes]] = {
    "code": ("code", _wheel("wheel-code-byte")),
    "native": ("native", _wheel("wheel-native-byte")),
    "file-added": ("file-set", _wheel("wheel-file-added")),
    "pth-added": ("file-set", _wheel("wheel-pth-added")),
    "executable": ("header", _wheel("wheel-executable")),
    "only-times-of-a-wheel": ("header", _wheel("wheel-zip.date_time")),
    "only-modes-of-a-wheel": ("header", _wheel("wheel-zip.external_attr")),
    "only-system-of-a-wheel": ("header", _wheel("wheel-zip.create")),
    "level-of-a-wheel": ("deflate", _wheel("wheel-level")),
    "prepended-script": ("malformed", _wheel("wheel-prepended-script")),
    "wheel-added": ("file-set", _with(_MORE)),
    "wheel-removed": (
        "file-set",
        _with(dict([*WHEELS.items()][:2]), app=MANIFEST.app),
    ),
    "wheel-of-another-version": (
        "file-set",
        _with(
            {name.replace("lib-1.0", "lib-0.9"): data for name, data in WHEELS.items()}
        ),
    ),
    "product": ("name", _manifest(replace(MANIFEST, name="fence"))),
    "version": ("name", _manifest(replace(MANIFEST, version="1.1"))),
    "platform": ("name", _manifest(replace(MANIFEST, platform="cp311-linux-x86_64"))),
    "epoch": ("container", _manifest(replace(MANIFEST, epoch=MANIFEST.epoch + 2))),
    "commit": ("container", _manifest(replace(MANIFEST, commit="0" * 40))),
    "tree": ("container", _manifest(replace(MANIFEST, tree_sha256="0" * 64))),
    "recipe": ("container", _manifest(replace(MANIFEST, recipe_sha256="0" * 64))),
    "lock": ("container", _manifest(replace(MANIFEST, lock_sha256="0" * 64))),
    "app": ("container", _manifest(replace(MANIFEST, app=MANIFEST.wheels[0].name))),
    "wheel-not-as-listed": (
        "malformed",
        GOOD.replace(b"print('one')", b"print('two')"),
    ),
    "manifest-spelt-otherwise": (
        "malformed",
        GOOD.replace(b'{"app":', b'{ "app":', 1),
    ),
    "manifest-of-another-form": ("malformed", GOOD.replace(b"bundle/1", b"bundle/2")),
    "manifest-padding": ("malformed", _bent(_MANIFEST_END, b"hidden")),
    "name-in-a-header": ("malformed", _bent(_LAST + 7, b"x")),
    "mode-in-a-header": ("malformed", _bent(_LAST + 100, b"0000755\0")),
    "time-in-a-header": ("malformed", _bent(_LAST + 136, b"00000000001\0")),
    "first-member": ("malformed", _bent(0, b"x")),
    "trailing-byte": ("malformed", GOOD + b"\0"),
    "trailing-record": ("malformed", GOOD + bytes(10_240)),
    "hidden-at-the-end": ("malformed", GOOD[:-6] + b"hidden"),
    "cut": ("malformed", GOOD[:-512]),
    "prepended": ("malformed", padding(1) + GOOD),
    "empty": ("malformed", b""),
}

CASES = [
    Case(f"bundle-{about}", NAME, data, GOOD, kind=kind)
    for about, (kind, data) in _TAMPERED.items()
]
