"""Builds behind a wall, without a network."""
