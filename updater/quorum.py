"""Rebuild statements and a rebuild policy become met, short or vetoed."""
