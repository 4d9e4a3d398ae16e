"""The audit file: lines that are chained by their hashes."""
