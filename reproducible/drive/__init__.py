"""Whole runs: a published release rebuilt, a repository watched."""
