"""Verifies and applies updates; not built yet (docs/roadmap.md says what is)."""
