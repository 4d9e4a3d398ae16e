"""Gathering the evidence about a release."""
