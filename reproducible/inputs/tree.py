"""A source tree as values, and what names it."""
