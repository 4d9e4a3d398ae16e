"""The only door to python-tuf for those who update."""
