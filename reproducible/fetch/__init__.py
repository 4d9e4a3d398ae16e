"""Inputs, fetched by hash; the only part with a network."""
