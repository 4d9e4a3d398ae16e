"""Recomputing a log folder from nothing."""
