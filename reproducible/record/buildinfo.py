"""buildinfo.json: how one build went."""
