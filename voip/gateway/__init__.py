"""Joins a call to what cannot run our handshake, and says what that does to it."""
