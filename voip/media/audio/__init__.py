"""Sound: one packet of one size every 20 ms out, and playing without gaps in."""
