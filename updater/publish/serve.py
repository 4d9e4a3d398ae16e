"""A static folder on loopback, with ranges, for rehearsal and demo."""
