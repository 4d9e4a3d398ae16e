"""Appending to a static log: journal, lock, read back before signing."""
