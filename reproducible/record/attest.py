"""A result becomes statements."""
