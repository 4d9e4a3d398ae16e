"""Sound and pictures under the keys of a call."""
