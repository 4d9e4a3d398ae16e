"""Three messages that make the keys of a call."""
