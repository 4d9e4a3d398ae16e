"""The same build under many conditions."""
