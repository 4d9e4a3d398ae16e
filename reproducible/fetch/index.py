"""Asks a package index."""
