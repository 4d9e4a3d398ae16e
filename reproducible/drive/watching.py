"""Follows a repository and rebuilds what is new."""
