"""Fetching from servers that are slow, broken or hostile."""
