"""Every wheel of a lock, rebuilt."""
