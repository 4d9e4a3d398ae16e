"""Bundles that differ, wheel by wheel."""
