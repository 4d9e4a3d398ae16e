"""A source archive as a tree."""
