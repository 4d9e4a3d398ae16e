"""A verdict as a small SVG picture."""
