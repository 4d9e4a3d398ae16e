"""Verifies, applies and publishes updates that nobody can aim at one person."""
