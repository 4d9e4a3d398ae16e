"""The status of a rebuilder as one static HTML page."""
