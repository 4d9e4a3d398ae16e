"""A witness: serving, or pulling from a static log."""
