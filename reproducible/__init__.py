"""Rebuilds releases and compares them; not built yet (docs/roadmap.md)."""
