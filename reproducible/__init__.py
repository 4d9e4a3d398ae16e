"""Builds published software again, compares it bit for bit, and says so, signed."""
