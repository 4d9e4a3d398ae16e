"""Proof of misbehaviour that a stranger can check."""
