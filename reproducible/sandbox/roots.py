"""Debian roots: made, packed, unpacked."""
