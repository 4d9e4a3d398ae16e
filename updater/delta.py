"""Patches: another way to the same bundle bytes; the only door to zstd."""
