"""Tar archives of strangers, read strictly."""
