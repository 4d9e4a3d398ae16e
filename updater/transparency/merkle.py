"""Merkle trees over entries: roots and proofs (RFC 9162 section 2.1)."""
