"""One update from the first question to the running version."""
