"""TUF metadata: the layout of our repository, and the door to python-tuf."""
