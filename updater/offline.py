"""Copies of a repository, for machines without a network."""
