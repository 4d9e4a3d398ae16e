"""Writes lock files from what an installer resolves."""
