"""Getting small sealed messages to the other side."""
