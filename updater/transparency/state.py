"""What a client remembers of a log."""
