"""Sigstore bundles: our own reading of them, and the doors to sigstore-python."""
