"""Every way of tampering that we could think of, with wheels, sdists and bundles."""

from tests.reproducible import tampered_bundles, tampered_sdists, tampered_wheels

CORPUS = [*tampered_wheels.CASES, *tampered_sdists.CASES, *tampered_bundles.CASES]
