"""Is this what everybody sees? A public, witnessed log of releases."""
