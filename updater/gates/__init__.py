"""The gates that a release must pass, each a small pure check."""
