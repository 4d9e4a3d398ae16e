"""Source archives: canonical tar and canonical-sdist/1."""
