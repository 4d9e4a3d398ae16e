"""Builds a release twice, differently, and compares."""
