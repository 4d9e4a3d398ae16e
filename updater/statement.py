"""Signed statements: DSSE envelopes around in-toto statements (both v1)."""
