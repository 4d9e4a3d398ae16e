"""Opening the keys of a publisher: sealed files, hardware modules."""
