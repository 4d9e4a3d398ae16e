"""Two files compared: hash first, then proof, then classes."""
