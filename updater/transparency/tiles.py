"""Tiles and entry bundles, and a reader that believes none (C2SP tlog-tiles)."""
