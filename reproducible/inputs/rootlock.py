"""The lock of a Debian root: which packages exactly."""
