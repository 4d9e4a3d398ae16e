"""Writing TUF metadata: the second door to tuf."""
