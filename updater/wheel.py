"""Wheels, read strictly: one spelling of every entry, or refused."""
