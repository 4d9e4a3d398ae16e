"""Bundles, wheels and patches: archives of which exactly one form is accepted."""
