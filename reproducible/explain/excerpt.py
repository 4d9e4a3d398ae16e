"""Bounded diffs of text members."""
