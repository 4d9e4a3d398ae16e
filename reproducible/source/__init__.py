"""Where source trees come from."""
