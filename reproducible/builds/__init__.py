"""From source, recipe and locked tools to files."""
