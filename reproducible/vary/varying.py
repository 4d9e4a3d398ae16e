"""Builds once for each variation."""
