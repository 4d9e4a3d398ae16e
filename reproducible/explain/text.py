"""A comparison for a terminal."""
