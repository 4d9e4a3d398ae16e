"""Foreign text, made harmless."""
