"""A comparison as one static HTML page."""
